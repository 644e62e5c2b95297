/** An engine as far as a provider's life depends on it: it serves gRPC, says where, and says when somebody connects. */
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";

const server = createServer();
server.on("session", () => console.log("connected"));
server.listen(0, "127.0.0.1", () => console.log(`127.0.0.1:${(server.address() as AddressInfo).port}`));
