import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { podSettings } from "../../components/runner/kubernetes/pod/podBench";
import { podFiles } from "../../components/runner/kubernetes/podFiles";
import { checkout, tools } from "../helpers/checkout";
import { stepBinary } from "../helpers/stepImage";
import { temporaryFolder } from "../helpers/temporaryFolder";
import { describeWithCluster } from "./cluster/describeWithCluster";

jest.setTimeout(120_000);

describeWithCluster("build steps in a cluster of IPv6", () => {
    const folder = temporaryFolder();
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    const env = { ...process.env, PATH: `${path.join(folder, "bin")}:${tools}:${process.env.PATH}` };
    const run = (command: string, ...words: string[]) =>
        execFileSync(command, words, { encoding: "utf8", env, stdio: "pipe" });

    it("reach what is outside by its IPv6 address, and what they are kept from neither by this version", () => {
        const archives = run(path.join(checkout, "tests/ec2/buildkit/pack.sh")).trim();
        run("sh", "-c", `tar -C '${folder}' -xzf '${archives}'/*-amd64.tar.gz`);
        mkdirSync(path.join(folder, "lib"));
        for (const [name, text] of Object.entries(podFiles({ ...podSettings, platform: "linux/amd64" }))) {
            writeFileSync(path.join(folder, "lib", name), text);
        }
        mkdirSync(path.join(folder, "job"));
        cpSync(stepBinary("amd64"), path.join(folder, "job/step"));
        const addresses = ["fd00:aaaa::1", "fd00:10:96::1", "fd00:ec2::254", "fd00:aaaa::2"];
        const reach = ["/step", "reach", ...addresses.map((address) => `[${address}]:8080`)];
        const steps = [["/step", "find", "/etc/resolv.conf", "fd00:aaaa::1"], reach].map(
            (step) => `RUN ${JSON.stringify(step)}`,
        );
        writeFileSync(
            path.join(folder, "job/Dockerfile"),
            ["FROM scratch", "COPY step /step", ...steps, ""].join("\n"),
        );

        const namespaces = ["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"];
        const said = run("unshare", ...namespaces, "sh", path.join(__dirname, "ipv6Pod.sh"), folder);
        expect(said).toContain("reached [fd00:aaaa::1]:8080");
        expect(said.match(/cannot reach \S+/g)).toEqual(
            addresses.slice(1).map((address) => `cannot reach [${address}]:8080`),
        );
    });
});
