import { awsSettings } from "../../account/awsSettings";
import { listOf } from "../../settings/collections";
import { flag, setting, text, wholeNumber } from "../../settings/kinds";

const ecr = "Registry ecr only.";

/** The settings of ECR's repositories. What their values mean is checked by imageRepositoryProblems. */
export const ecrSettings = {
    immutableTags: setting(
        flag(),
        false,
        `${ecr} Refuse to move a tag once it is pushed, except those of movingTags and of caches.`,
    ),
    movingTags: setting(
        listOf("a list of tags", text("a tag")),
        ["latest*"],
        `${ecr} Tags that may move under immutableTags; * stands for anything.`,
    ),
    untaggedDays: setting(
        wholeNumber(1, 3650),
        90,
        `${ecr} Days since its push after which an image without a tag expires, even if it lost its tag only today.`,
    ),
    cacheDays: setting(
        wholeNumber(1, 3650),
        30,
        `${ecr} Days after which a build cache in the registry expires that was not written again.`,
    ),
    readsFrom: setting(
        listOf("a list of stacks", text("a stack's name")),
        [],
        `${ecr} Other stacks of this project, by name, whose images and caches are pulled here and never pushed to: for a stack that builds untrusted branches.`,
    ),
    forceDelete: setting(flag(), false, `${ecr} Let "pulumi destroy" delete repositories that still have images.`),
    ...awsSettings,
};
