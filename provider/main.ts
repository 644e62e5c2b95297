// The provider `native-buildx`: what is done, where components/ says what is declared. One resource a file.

import * as path from "node:path";
import { dataFolder } from "../components/dataFolder";
import { keepDigestsIn } from "./context/fileDigests";
import { ImageIndexResource } from "./image/imageIndex";
import { PlatformImageResource } from "./image/platformImage";
import { LocalFolderResource } from "./localFolder";
import { Engine } from "./process/engine";
import { endWithEngine } from "./process/lifetime";
import { RepositoryGuardResource } from "./repositoryGuard";
import { serve } from "./serve";

// Options of the engine's come before its address.
const engineAddress = process.argv.at(-1) ?? "";
endWithEngine(engineAddress);
keepDigestsIn(path.join(dataFolder(), "digests"));
void serve(
    {
        PlatformImage: new PlatformImageResource(),
        Index: new ImageIndexResource(),
        LocalFolder: new LocalFolderResource(),
        RepositoryGuard: new RepositoryGuardResource(),
    },
    new Engine(engineAddress),
);
