import { addressAtCommit, addressOfCommit } from "./seenCommit";

const commit = "1".repeat(40);

test.each([
    ["git://host/r", `git://host/r?checksum=${commit}`, `git://host/r#${commit}`],
    ["https://host/r.git#main", `https://host/r.git?checksum=${commit}#main`, `https://host/r.git#${commit}`],
    ["https://host/r.git#:sub", `https://host/r.git?checksum=${commit}#:sub`, `https://host/r.git#${commit}:sub`],
    ["git@host:o/r#main:a/b", `git@host:o/r?checksum=${commit}#main:a/b`, `git@host:o/r#${commit}:a/b`],
    [
        "https://host/r.git#main%3Asub%3ab%20c",
        `https://host/r.git?checksum=${commit}#main%3Asub%3ab%20c`,
        `https://host/r.git#${commit}:sub%3ab%20c`,
    ],
    ["https://host/r.git#a%253Ab", `https://host/r.git?checksum=${commit}#a%253Ab`, `https://host/r.git#${commit}`],
    ["github.com/o/r#v1%3as", `github.com/o/r?checksum=${commit}#v1%3as`, `github.com/o/r#${commit}:s`],
    ["git@host:o/r#main%3Ax", `git@host:o/r?checksum=${commit}#main%3Ax`, `git@host:o/r#${commit}`],
    ["github.com/o/r#v1", `github.com/o/r?checksum=${commit}#v1`, `github.com/o/r#${commit}`],
    [
        "ssh://git@host:22/r?tag=v1&subdir=s",
        `ssh://git@host:22/r?tag=v1&subdir=s&checksum=${commit}`,
        `ssh://git@host:22/r?subdir=s#${commit}`,
    ],
])("%s at a commit, and as that commit", (address, atCommit, ofCommit) => {
    expect(addressAtCommit(address, commit)).toBe(atCommit);
    expect(addressOfCommit(address, commit)).toBe(ofCommit);
});

test.each([`https://host/r.git#${"2".repeat(40)}:sub`, "https://host/r.git?checksum=22#main"])(
    "%s names its commit by itself, and stays",
    (address) => {
        expect(addressAtCommit(address, commit)).toBe(address);
        expect(addressOfCommit(address, commit)).toBe(address);
    },
);
