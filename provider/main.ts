// The provider `native-buildx`: what is done, where components/ says what is declared. One resource a file.

import Module from "node:module";
import * as path from "node:path";
import { dataFolder } from "../components/localMachine/dataFolder";
import { EcrRepositoryResource } from "./aws/ecrRepository";
import { GroupLeftoversResource } from "./aws/groupLeftovers";
import { NameClaimResource } from "./aws/nameClaim";
import { RepositoryGuardResource } from "./aws/repositoryGuard";
import { Connections } from "./buildx/connectScript";
import { keepDigestsIn } from "./context/fileDigests";
import { ImageIndexResource } from "./image/imageIndex";
import { PlatformImageResource } from "./image/platformImage";
import { LocalFolderResource } from "./localFolder";
import { OwnerIdResource } from "./ownerId";
import { Engine } from "./process/engine";
import { endWithEngine } from "./process/lifetime";
import { sweepTemporaryFolders } from "./process/temporaryFolder";
import { serve } from "./serve";

// Options of the engine's come before its address.
const engineAddress = process.argv.at(-1) ?? "";
endWithEngine(engineAddress);
void sweepTemporaryFolders();
// What one resource has seen to serve, the next does not ask for.
const connections = new Connections();
keepDigestsIn(path.join(dataFolder(), "digests"));
void serve(
    {
        PlatformImage: new PlatformImageResource(connections),
        Index: new ImageIndexResource(connections),
        LocalFolder: new LocalFolderResource(),
        EcrRepository: new EcrRepositoryResource(),
        GroupLeftovers: new GroupLeftoversResource(),
        NameClaim: new NameClaimResource(),
        OwnerId: new OwnerIdResource(),
        RepositoryGuard: new RepositoryGuardResource(),
    },
    {
        // A program calls it to have this process started.
        ready: () => ({}),
        keepScript: ({ script }) => ({ key: connections.keep(String(script)) }),
    },
    new Engine(engineAddress),
).then(() => {
    // Node writes it at the end of a process, and the engine ends this one by a signal. Unknown to Node before 22.
    (Module as { flushCompileCache?: () => void }).flushCompileCache?.();
});
