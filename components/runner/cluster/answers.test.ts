import { execFile, execFileSync, spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import * as path from "node:path";
import { describeUnless } from "../../../tests/helpers/needs";
import { temporaryFolder } from "../../../tests/helpers/temporaryFolder";

describeUnless(spawnSync("gcc", ["--version"]).error && "no gcc")("answers", () => {
    const folder = temporaryFolder();
    const patient = path.join(folder, "patient");
    const impatient = path.join(folder, "impatient");

    beforeAll(() => {
        // That a server of this process answers is waited for as long as a busy machine takes.
        for (const [program, seconds] of [
            [patient, 50],
            [impatient, 1],
        ] as const) {
            execFileSync("gcc", [`-DSECONDS=${seconds}`, "-o", program, path.join(__dirname, "answers.c")]);
        }
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    /** What it says of a server that does so with each connection. */
    async function answerOf(
        serve: (socket: Socket) => void,
        program = patient,
    ): Promise<{ stdout: string; code: number }> {
        const sockets: Socket[] = [];
        const server = createServer((socket) => {
            // Who has read what it wants hangs up.
            sockets.push(socket.on("error", () => undefined));
            serve(socket);
        });
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        try {
            return await ask((server.address() as AddressInfo).port, program);
        } finally {
            for (const socket of sockets) {
                socket.destroy();
            }
            server.close();
        }
    }

    function ask(port: number, program = patient): Promise<{ stdout: string; code: number }> {
        return new Promise((resolve) => {
            execFile(program, ["127.0.0.1", String(port)], (error, stdout) =>
                resolve({ stdout, code: error ? Number(error.code) : 0 }),
            );
        });
    }

    const version = (...bytes: number[]) => Buffer.from(bytes);

    it.each([
        ["43", version(43, 0, 0, 0)],
        ["29, with what comes after it", version(29, 0, 0, 0, 29, 0, 0, 0)],
        ["1000", version(232, 3, 0, 0)],
        ["4294967295", version(255, 255, 255, 255)],
    ])("says version %s", async (said, bytes) => {
        expect(await answerOf((socket) => socket.write(bytes))).toEqual({ stdout: `${parseInt(said, 10)}\n`, code: 0 });
    });

    it("puts a version together that comes in parts", async () => {
        const inParts = (socket: Socket) => {
            socket.setNoDelay(true).write(version(43, 0));
            setTimeout(() => socket.write(version(0, 0)), 100);
        };
        expect(await answerOf(inParts)).toEqual({ stdout: "43\n", code: 0 });
    });

    it("fails where nobody listens, hangs up or says nothing", async () => {
        const nobody = { stdout: "", code: 1 };
        expect(await answerOf((socket) => socket.end(version(43, 0)))).toEqual(nobody);
        expect(await answerOf(() => undefined, impatient)).toEqual(nobody);
        expect(await ask(1)).toEqual(nobody);
    });
});
