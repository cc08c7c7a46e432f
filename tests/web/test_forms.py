"""What comes with a form is bounded, read strictly and ours, whatever somebody sends; over a real server."""

import socket
from datetime import timedelta
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI
from fastapi.responses import JSONResponse
from hypothesis import given
from hypothesis import strategies as st

from newsletter.web import forms
from newsletter.web.forms import LIFE, MAX_BYTES, MAX_FIELDS, SKEW, FormExpired, FormTooLarge, FormWrong, Posted, posted
from subscribers.keys import Keys
from subscribers.tokens import Purpose, Tokens
from tests.conftest import NOW
from tests.web.served import served

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def tokens():
    return Tokens(Keys.generate())


@pytest.fixture(scope="module")
def client():
    app = FastAPI()

    @app.post("/")
    def echo(form: Annotated[Posted, Depends(posted)]):
        return {"one": form.one("one"), "many": form.many("many"), "ticked": form.has("ticked")}

    @app.exception_handler(FormWrong)
    def wrong(_request, fault):
        return JSONResponse({"fault": str(fault)}, 400)

    @app.exception_handler(FormTooLarge)
    def large(_request, fault):
        return JSONResponse({"fault": str(fault)}, 413)

    with served(app) as client:
        yield client


def test_fields_come_as_they_were_typed(client):
    answer = client.post("/", data={"one": "Зейнеп & ليلى = 100 %", "many": ["b", "a", "b"], "ticked": ""})
    assert answer.json() == {"one": "Зейнеп & ليلى = 100 %", "many": ["b", "a"], "ticked": True}


def test_what_is_not_there_is_empty(client):
    assert client.post("/", data={"other": "x"}).json() == {"one": "", "many": [], "ticked": False}


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b"one=1&one=2", FORM),
        (b"one=%ff%fe", FORM),
        (b"one=\xff", FORM),
        (b"a=1&" * (MAX_FIELDS + 1), FORM),
        (b"one=1", {"Content-Type": "text/plain"}),
        (b'{"one": 1}', {"Content-Type": "application/json"}),
        (b"one=1", {}),
    ],
)
def test_what_no_page_of_ours_sends_is_refused(client, content, headers):
    answer = client.post("/", content=content, headers=headers)
    assert answer.status_code == 400
    assert "try again" in answer.json()["fault"]


def test_a_form_that_is_too_large_is_refused(client):
    at_the_limit = b"one=" + b"x" * (MAX_BYTES - 4)
    assert client.post("/", content=at_the_limit, headers=FORM).status_code == 200
    assert client.post("/", content=at_the_limit + b"x", headers=FORM).status_code == 413


def answer_to(client, *parts):
    """Send bytes as they are, and leave the connection open; gives the answer's first line."""
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=20) as line:
        for part in parts:
            line.sendall(part)
        return line.makefile("rb").readline()


def test_a_body_that_never_ends_is_given_up(client, monkeypatch):
    monkeypatch.setattr(forms, "BODY_S", 0.2)
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    assert b" 400 " in answer_to(client, head + b"Content-Length: 100\r\n\r\none=")
    assert b" 400 " in answer_to(client, head + b"Transfer-Encoding: chunked\r\n\r\n4\r\none=\r\n")


def test_an_endless_body_is_refused_at_the_limit(client):
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    chunk = b"1000\r\n" + b"x" * 4096 + b"\r\n"
    assert b" 413 " in answer_to(client, head + b"Transfer-Encoding: chunked\r\n\r\n", chunk * 17)


@given(content=st.binary(max_size=300))
def test_whatever_is_sent_is_an_answer_and_no_fault_of_ours(client, content):
    assert client.post("/", content=content, headers=FORM).status_code in {200, 400}


def mark_of(tokens, page="/preferences/abc", at=NOW):
    return Posted({"form": [tokens.issue_form(page, at=at)]})


def test_a_form_of_ours_says_when_it_was_written(tokens):
    written = forms.check_mark(tokens, "/preferences/abc", mark_of(tokens), now=NOW + timedelta(minutes=5))
    assert written == NOW


@pytest.mark.parametrize(
    "form",
    [
        lambda _tokens: Posted({}),
        lambda _tokens: Posted({"form": [""]}),
        lambda _tokens: Posted({"form": ["A" * 36]}),
        lambda tokens: mark_of(tokens, page="/preferences/abd"),
        lambda tokens: mark_of(tokens, at=NOW + SKEW + timedelta(seconds=1)),
        lambda tokens: mark_of(tokens, at=NOW - LIFE - timedelta(seconds=1)),
        lambda tokens: Posted({"form": [tokens.issue(Purpose.PREFERENCES, subscriber_id=1, epoch=0)]}),
        lambda _tokens: mark_of(Tokens(Keys.generate())),
    ],
    ids=["none", "empty", "forged", "another page", "from the future", "too old", "a link's token", "others' keys"],
)
def test_a_form_that_is_not_ours_is_refused(tokens, form):
    with pytest.raises(FormExpired):
        forms.check_mark(tokens, "/preferences/abc", form(tokens), now=NOW)


@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_forms_mark_opens_no_page(tokens, purpose):
    with pytest.raises(Exception, match="not valid"):
        tokens.read(purpose, tokens.issue_form(str(purpose), at=NOW))
