"""An appeal from its source to its victory: the real commands, mails and pages."""

import re

from tests.appeals.test_polling import RSS, entry
from tests.scenarios.web_server import serving

SHEET_ACTIONS = """deadline: 2099-12-01
countries: [TR]
demands: [Release the eleven]
actions:
  - key: prosecutor
    say: Ask for their release
    subject: Release the eleven
    letter: |
      Dear Sir or Madam,

      release {whom}.
    targets:
      - {{name: Chief Prosecutor, emails: [prosecutor@example.org], languages: [en]}}
"""
PEOPLE = """email,countries,consent_source,confirmed_at
rosa@example.org,TR,stall,2026-01-02
omar@example.org,PE,stall,2026-01-02
"""


def settle(newsletter, site):
    """Two organisers, two supporters, and a source that is watched."""
    settings = newsletter.folder / "newsletter.toml"
    settings.write_text(settings.read_text() + 'fetch_allow = "127.0.0.1/32"\n')
    for name in ("Layla", "Hanna"):
        newsletter.run("organiser", "add", name)
    (newsletter.folder / "people.csv").write_text(PEOPLE)
    newsletter.run("subscriber", "import", "people.csv")
    announce(site, entry(0))
    newsletter.run("source", "add", f"{site.address}/feed.xml", "--yes", "--no-articles")


def announce(site, *entries, path="/feed.xml"):
    body = RSS.format(items="".join(entries)).replace("{base}", site.address)
    site.page(path, body, content_type="application/rss+xml")


def mails(mailserver, address):
    return [mail for mail in mailserver.received if mail.recipients == (address,)]


def text_of(mail):
    return mail.message.get_body(("plain",)).get_content()


def complete(newsletter, reference, whom="the eleven"):
    """Layla adds what the source hasn't."""
    sheet = newsletter.run("appeal", "sheet", reference).out
    sheet = re.sub(r"^(deadline|countries|demands|actions):.*\n", "", sheet, flags=re.MULTILINE)
    completed = sheet.replace("---\n", "---\n" + SHEET_ACTIONS.format(whom=whom), 1)
    (newsletter.folder / "sheet.md").write_text(completed)
    newsletter.run("appeal", "edit", reference, "--from", "sheet.md", "--as", "Layla")


def approve(newsletter, reference):
    newsletter.run("appeal", "approve", reference, "--as", "Layla", expect=1)
    newsletter.run("appeal", "approve", reference, "--as", "Hanna")
    newsletter.run("appeal", "release", reference, "--as", "Layla")


def send(newsletter):
    newsletter.run("digest", "plan", "--cadence", "weekly")
    newsletter.run("send")


def test_an_appeal_is_imported_completed_approved_released_sent_corrected_and_won(
    newsletter, mailserver, site, browser
):
    settle(newsletter, site)
    announce(site, entry(0), entry(1, title="Eleven textile strikers arrested", text="Gendarmes took them at five."))
    newsletter.run("source", "poll")
    [draft] = newsletter.json("appeal", "list")
    reference = draft["reference"]
    with serving(newsletter) as address:
        page = browser.new_page(viewport={"width": 360, "height": 740})

        def opened(which=reference):
            """Open an appeal's page; gives its status and what it says."""
            answer = page.goto(f"{address}/appeals/{which}?in=en")
            return answer.status, page.locator("main").inner_text()

        assert opened()[0] == 404
        complete(newsletter, reference)
        assert opened()[0] == 404
        approve(newsletter, reference)
        status, words = opened()
        assert status == 200
        assert "Release the eleven" in words
        assert (
            page.locator('a[href^="mailto:prosecutor@example.org?subject=Release%20the%20eleven&body="]').count() == 1
        )

        send(newsletter)
        assert mails(mailserver, "omar@example.org") == []
        [mail] = mails(mailserver, "rosa@example.org")
        assert f"/appeals/{reference}?in=en" in text_of(mail)
        assert "Eleven textile strikers arrested" in mail.message["Subject"]

        follow = ("appeal", "follow-up", reference, "--as", "Layla")
        newsletter.run(*follow, "--kind", "correction", "--title", "They are twelve", "--teaser", "One more was taken.")
        assert "They are twelve" not in opened()[1]
        approve(newsletter, f"{reference}-2")
        assert "They are twelve" in opened()[1]
        assert "Eleven textile strikers arrested" in opened(f"{reference}-2")[1]
        send(newsletter)
        assert mails(mailserver, "omar@example.org") == []
        assert "They are twelve" in mails(mailserver, "rosa@example.org")[1].message["Subject"]
        assert "Eleven textile" not in text_of(mails(mailserver, "rosa@example.org")[1])

        newsletter.run("appeal", "close", reference, "--ending", "won", "--as", "Hanna")
        victory = (
            "--kind",
            "victory",
            "--to",
            "recipients",
            "--title",
            "All twelve are free",
            "--teaser",
            "Thank you.",
        )
        newsletter.run(*follow, *victory)
        approve(newsletter, f"{reference}-3")
        words = opened()[1]
        assert "This appeal was won." in words
        assert "All twelve are free" in words
        assert page.locator(".action").count() == 0
        send(newsletter)
        assert [mail.message["Subject"] for mail in mails(mailserver, "rosa@example.org")][2:] == [
            "All twelve are free"
        ]
        assert mails(mailserver, "omar@example.org") == []
        # Nobody gets anything twice, whatever is planned once more.
        send(newsletter)
        assert len(mailserver.received) == 3
        page.close()
    moves = newsletter.json("appeal", "history", reference)
    assert [(move["move"], move["by"]) for move in moves] == [
        ("imported", "source"),
        ("edited", "Layla"),
        ("approved", "Hanna"),
        ("released", "Layla"),
        ("closed", "Hanna"),
    ]
