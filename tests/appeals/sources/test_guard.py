"""Who runs a site decides what its name resolves to and where it redirects; none of that leads into our own network."""

import ssl
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from newsletter.appeals.sources.faults import (
    AddressBroken,
    AddressRefused,
    PageUnreachable,
    RedirectUnprotected,
)
from newsletter.appeals.sources.guard import Guard, GuardedTransport, NotPublic, refusal, resolve
from newsletter.appeals.sources.wire import Allowance
from tests.appeals.sources.site import LOOPBACK, Answer, Clock, read_source, running_site
from tests.appeals.sources.test_source import NEXT, blog, titles

ONE = [ip_network("127.0.0.2")]  # this machine has 127.0.0.0/8; in these tests only this one counts as outside
BOTH = pytest.mark.allow_hosts(["127.0.0.0/8"])


# What may be read from


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254"),
        *("169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1"),
        *("192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255"),
        *("240.0.0.1", "255.255.255.255", "168.63.129.16", "100.100.100.200"),
        *("::", "::1", "::7f00:1", "::808:808", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::ffff:0:0"),
        *("64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::a00:1", "64:ff9b:1:ffff::1", "100::1", "2001::1"),
        *(
            "2001:0:808:808::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:808:808::1",
        ),
        *("3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "febf::1", "fec0::1", "ff02::1"),
        *("2606:4700::1%eth0", "2606:4700::5efe:a00:1", "2606:4700::200:5efe:808:808", "4000::1", "8000::1", "c000::1"),
    ],
)
def test_what_is_not_public_is_refused(address):
    assert refusal(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        *("1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1"),
        *("169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0"),
        *("198.17.255.255", "198.20.0.0", "223.255.255.255", "2001:200::1", "2003::1", "2606:4700::1111", "2a00::1"),
    ],
)
def test_what_lies_beside_it_is_not(address):
    assert refusal(ip_address(address)) == ""


NEAR = st.sampled_from(
    [
        *("0.0.0.0", "10.0.0.0", "100.64.0.0", "127.0.0.0", "169.254.0.0", "172.16.0.0", "192.0.0.0", "192.168.0.0"),
        *("198.18.0.0", "224.0.0.0", "::", "::ffff:0:0", "64:ff9b::", "64:ff9b:1::", "2001::", "2001:db8::", "2002::"),
        *("fc00::", "fe80::", "fec0::", "ff00::"),
    ]
).map(ip_address)


@given(st.one_of(st.ip_addresses(), st.builds(lambda near, more: near + more, NEAR, st.integers(0, 2**31 - 1))))
def test_nothing_is_taken_for_public_that_python_does_not_take_for_it(address):
    if refusal(address) == "":
        assert address.is_global
        assert not address.is_multicast


def test_networks_are_allowed_by_name():
    inner = [ip_network("10.1.0.0/16"), ip_network("fd00::/8")]

    assert refusal(ip_address("10.1.2.3"), inner) == ""
    assert refusal(ip_address("fd12::1"), inner) == ""
    assert refusal(ip_address("10.2.0.1"), inner)
    assert refusal(ip_address("::1"), inner)
    assert refusal(ip_address("fd12::1%eth0"), inner)


def test_what_is_wrapped_is_looked_at_even_where_the_wrapping_is_allowed():
    nat64 = [ip_network("64:ff9b::/96")]

    assert refusal(ip_address("64:ff9b::808:808"), nat64) == ""
    assert refusal(ip_address("64:ff9b::a00:1"), nat64)
    assert refusal(ip_address("64:ff9b::a00:1"), [*nat64, ip_network("10.0.0.0/8")]) == ""
    for wrapped in ("::ffff:10.0.0.1", "2002:a00:1::1"):
        assert refusal(ip_address(wrapped), [ip_network("::/0")])


# However an address is written


@pytest.mark.parametrize(
    "host",
    [
        *(
            "127.0.0.1",
            "127.1",
            "127.0.1",
            "0",
            "0.0.0.0",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "017700000001",
            "0177.1",
        ),
        *("localhost", "LocalHost", "rosa@127.0.0.1", "appeals.example:80@127.0.0.1", "evil\\@127.0.0.1"),
        *("127。0。0。1", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]"),
        *("[64:ff9b::127.0.0.1]", "[fe80::1%lo]"),
    ],
)
def test_however_this_machine_s_address_is_written_it_is_refused(site, web, host):
    with pytest.raises(AddressRefused, match=r"public addresses only; if that one is yours, .* fetch_allow"):
        web(allowed=())(f"http://{host}:{site.port}/")
    assert site.asked == []


@pytest.mark.parametrize(
    "host", ["localhost.", "127.0.0.1.", "１２７.０.０.１", "①②⑦.⓪.⓪.①", "%31%32%37.0.0.1", "0177.0.0.01"]
)
def test_what_some_read_as_this_machine_and_others_do_not_is_refused_one_way_or_another(site, web, host):
    with pytest.raises((AddressRefused, AddressBroken, PageUnreachable)):
        web(allowed=())(f"http://{host}:{site.port}/")
    assert site.asked == []


def test_a_name_is_looked_up_as_everything_else_here_does():
    assert IPv4Address("127.0.0.1") in resolve("localhost")
    assert resolve("0x7f.1") == [IPv4Address("127.0.0.1")]
    assert resolve("fe80::1%lo") == [IPv6Address("fe80::1%1")]


# Names that resolve to something else


def names(**answers):
    """Be a name server: `name_example` has one list of addresses for each time that it is asked."""

    def look_up(host):
        left = answers[host.replace(".", "_")]
        return [ip_address(address) for address in (left.pop(0) if len(left) > 1 else left[0])]

    return look_up


def test_a_name_that_leads_inside_is_refused(site, web):
    fetch = web(allowed=(), resolve=names(evil_example=[["127.0.0.1"]]))
    with pytest.raises(AddressRefused, match=r"evil\.example:\d+/ leads to 127\.0\.0\.1, this machine"):
        fetch(f"http://evil.example:{site.port}/")
    assert site.asked == []


@BOTH
def test_a_name_is_looked_up_once_and_what_was_checked_is_connected_to(web):
    """DNS rebinding: the second answer would be another one."""
    with running_site() as inside, running_site("127.0.0.2") as outside:
        outside.page("/", "outside")
        inside.page("/", "inside")
        asked = []

        def look_up(host):
            asked.append(host)
            return [ip_address("127.0.0.2" if len(asked) == 1 else "127.0.0.1")]

        fetch = web(allowed=ONE, resolve=look_up)

        assert fetch(f"http://evil.example:{outside.port}/").content == b"outside"
        assert asked == ["evil.example"]
        with pytest.raises(AddressRefused):
            fetch(f"http://evil.example:{outside.port}/")
        assert inside.asked == []


@BOTH
def test_of_a_name_with_addresses_inside_and_outside_only_those_outside_are_tried(web):
    with running_site("127.0.0.2") as outside:
        outside.page("/", "outside")
        mixed = [["10.0.0.1", "127.0.0.1", "169.254.169.254", "::1", "127.0.0.2"]]

        page = web(allowed=ONE, resolve=names(mixed_example=mixed))(f"http://mixed.example:{outside.port}/")

    assert page.content == b"outside"


@BOTH
def test_if_the_first_address_does_not_answer_the_next_is_tried(site, web):
    site.page("/", "here")
    fetch = web(resolve=names(two_example=[["127.0.0.2", "127.0.0.1"]]))

    assert fetch(f"http://two.example:{site.port}/").content == b"here"


@BOTH
def test_not_every_address_of_a_name_is_knocked_at(site, web):
    """Else a name with a thousand of them makes us scan other people's machines."""
    silent = [f"127.0.0.{last}" for last in range(2, 6)]
    site.page("/", "here")
    fetch = web(resolve=names(many_example=[[*silent, "127.0.0.1"]], few_example=[[*silent[1:], "127.0.0.1"]]))

    assert fetch(f"http://few.example:{site.port}/").content == b"here"
    with pytest.raises(PageUnreachable):
        fetch(f"http://many.example:{site.port}/")


# Redirects


@pytest.mark.parametrize(
    "to",
    [
        *("http://169.254.169.254/latest/meta-data/", "http://[::1]/", "http://10.0.0.1/", "http://[fd00::1]/"),
        *("//169.254.169.254/", "http://2852039166/", "http://0xa9.254.169.254/", "http://[::ffff:169.254.169.254]/"),
    ],
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_that_leads_inside_is_refused(site, web, to, status):
    site.redirect("/out", to, status)
    with pytest.raises(AddressRefused, match="/out leads to"):
        web(allowed=[ip_network("127.0.0.0/8")])(f"{site.address}/out")


@BOTH
def test_a_redirect_to_this_machine_is_refused_before_it_is_asked(web):
    with running_site() as inside, running_site("127.0.0.2") as outside:
        inside.page("/admin", "secret")
        outside.redirect("/out", f"{inside.address}/admin")
        with pytest.raises(AddressRefused, match=r"leads to 127\.0\.0\.1"):
            web(allowed=ONE)(f"{outside.address}/out")
        assert inside.asked == []


@BOTH
def test_a_redirect_over_names_and_hops_is_refused_as_well(web):
    with running_site() as inside, running_site("127.0.0.2") as outside:
        outside.redirect("/1", "/2")
        outside.redirect("/2", f"http://other.example:{outside.port}/3")
        outside.redirect("/3", f"http://inner.example:{inside.port}/admin")
        fetch = web(allowed=ONE, resolve=names(other_example=[["127.0.0.2"]], inner_example=[["127.0.0.1"]]))
        with pytest.raises(AddressRefused):
            fetch(f"http://other.example:{outside.port}/1")
        assert inside.asked == []


# TLS


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def trusting(authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def protected(authority):
    """A site whose certificate is for appeals.example, and the names that it was asked for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("appeals.example").configure_cert(context)
    asked_for = []
    context.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    with running_site(tls=context) as site:
        site.asked_for = asked_for
        yield site


EVERYWHERE = {"resolve": lambda _host: [IPv4Address("127.0.0.1")]}


def test_certificates_are_verified_by_the_name_not_by_the_address(protected, web, trusting):
    protected.page("/", "signed")
    fetch = web(ssl_context=trusting, **EVERYWHERE)

    assert fetch(f"https://appeals.example:{protected.port}/").content == b"signed"
    assert protected.asked_for == ["appeals.example"]


def test_a_certificate_for_another_name_is_refused(protected, web, trusting):
    with pytest.raises(PageUnreachable, match="certificate"):
        web(ssl_context=trusting, **EVERYWHERE)(f"https://other.example:{protected.port}/")
    assert protected.asked == []


def test_a_certificate_from_nobody_we_know_is_refused(protected, web):
    with pytest.raises(PageUnreachable, match="certificate"):
        web(**EVERYWHERE)(f"https://appeals.example:{protected.port}/")
    assert protected.asked == []


def test_what_begins_protected_is_not_led_out_of_it(site, protected, web, trusting):
    protected.redirect("/", f"{site.address}/")
    with pytest.raises(RedirectUnprotected, match=r"from https:// to http://127"):
        web(ssl_context=trusting, **EVERYWHERE)(f"https://appeals.example:{protected.port}/")
    assert site.asked == []


def test_further_pages_that_old_links_would_read_unprotected_are_read_protected(protected, web, trusting):
    there = f"appeals.example:{protected.port}"
    protected.page("/", blog("One", following=NEXT.format(f"http://{there}/2")))
    protected.page("/2", blog("Two"))
    fetch = web(ssl_context=trusting, **EVERYWHERE).source()

    assert titles(read_source(f"https://{there}/", fetch=fetch)) == ["One", "Two"]


# The transport


def test_nothing_goes_out_without_bounds(site):
    with (
        httpx.Client(transport=GuardedTransport(Guard(LOOPBACK), ssl.create_default_context())) as client,
        pytest.raises(RuntimeError, match="allowance"),
    ):
        client.get(site.address)
    assert site.asked == []


def test_no_connection_is_kept_for_what_comes_next(site):
    """Each request is checked, though the server would go on and the client doesn't say that it won't."""
    site.answers["/"] = Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage", silent=True)
    guard = Guard(LOOPBACK, resolve=names(evil_example=[["127.0.0.1"], ["10.0.0.1"]]))
    guard.allowance = Allowance(total_s=60, size_bytes=10_000, clock=Clock())
    with httpx.Client(transport=GuardedTransport(guard, ssl.create_default_context()), timeout=2) as client:
        assert client.get(f"http://evil.example:{site.port}/").text == "page"
        with pytest.raises(NotPublic):
            client.get(f"http://evil.example:{site.port}/")
