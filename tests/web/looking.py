"""What tests of pages look at: links into them, marks of their forms, and all that the database holds."""

import re

from sqlalchemy import text


def link(parts, person, purpose):
    """Give the page that one person's link of this kind opens."""
    return f"/{purpose}/{parts.tokens.issue(purpose, subscriber_id=person.id, epoch=person.token_epoch)}"


def mark_on(page):
    """Give the mark of the first of our forms on a page."""
    return re.search(r'name="form" value="([^"]+)"', page.text)[1]


def everything(parts):
    """Give every row of every table, to be compared."""
    with parts.database.read() as session:
        tables = parts.database.engine.dialect.get_table_names(session.connection())
        return {table: session.execute(text(f"SELECT * FROM {table}")).fetchall() for table in tables}
