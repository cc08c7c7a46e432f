"""The pages: parse, call one domain verb, answer. No rules here."""
