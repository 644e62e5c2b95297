import { hasLogin, withoutLogins } from "./withoutLogins";

describe("addresses are shown without logins", () => {
    test.each([
        ["https://me:word@host/r.git#main", "https://***@host/r.git#main"],
        ["https://[fd00::1]/r.git#release@2", "https://[fd00::1]/r.git#release@2"],
        ["https://[FD00::1]:8443/a.tar.gz#me@x", "https://[FD00::1]:8443/a.tar.gz#me@x"],
        ["https://me:w/rd@[fd00::1]:80/a", "https://***@[fd00::1]:80/a"],
        ["https://t0ken@host/r.git", "https://***@host/r.git"],
        ["http://me:w@rd@host:80/a", "http://***@host:80/a"],
        ["HTTPS://me:word@host", "HTTPS://***@host"],
        ["http://me:w/r?d#@host:80/a", "http://***@host:80/a"],
        ["git+https://me:word@host/r", "git+https://***@host/r"],
        ["ssh://git@host/r", "ssh://***@host/r"],
        ["ssh://git:word@host/r", "ssh://***@host/r"],
        ["docker-image://me:word@host/a:1", "docker-image://***@host/a:1"],
        ["https://host/a?token=abc", "https://host/a?token=***"],
        ["https://host/a?X-Sig=a%2Fb/c==&X-Date=1#f", "https://host/a?X-Sig=***&X-Date=***#f"],
        ["https://host/r.git?private=abc&ref=main", "https://host/r.git?private=***&ref=main"],
        ["ADD http://me:a@h/x http://me:b@h/y?z=c /", "ADD http://***@h/x http://***@h/y?z=*** /"],
        ["http://me:a@h/x,http://me:b@h/y", "http://***@h/x,http://***@h/y"],
        ["git@host:o/r.git?private=abc#main", "git@host:o/r.git?private=***#main"],
        ["github.com/o/r?private=abc", "github.com/o/r?private=***"],
        ['Get "https://host/a?sig=abc": EOF', 'Get "https://host/a?sig=***": EOF'],
        ["(https://host/a?sig=abc): EOF", "(https://host/a?sig=***): EOF"],
        [`{"url":"https://host/a?b=1\\u0026sig=abc"}`, `{"url":"https://host/a?b=***"}`],
        ['process "curl \\"https://host/a?sig=abc\\"" did', 'process "curl \\"https://host/a?sig=***\\"" did'],
        ["\u200bhttps://me:word@host/größe", "\u200bhttps://***@host/größe"],
    ])("%s", (text, shown) => {
        expect(withoutLogins(text)).toBe(shown);
        expect(withoutLogins(shown)).toBe(shown);
    });

    test.each([
        "http://127.0.0.1:80/a@b",
        "git@host:r.git?ref=a#main",
        "https://host/npm/@scope/a@1.tgz",
        "https://host/r.git?branch=b&subdir=s#:sub",
        "docker-image://debian:13@sha256:0123",
        "registry.example/app:1@sha256:0123",
        "[2/3] RUN mail me@host; a?b:c=d",
        "",
    ])("%j has none", (text) => expect(withoutLogins(text)).toBe(text));
});

test.each([
    ["https://me:word@host/a", true],
    ["https://t0ken@host/a", true],
    ["https://me:@host/a", true],
    ["ssh://git:word@host/a", true],
    ["ssh://git@host:22/a@b", false],
    ["git@host:a", false],
    ["https://host/a?sig=abc", false],
    ["docker-image://debian:13@sha256:0123", false],
])("%s has a login: %s", (address, has) => expect(hasLogin(address)).toBe(has));
