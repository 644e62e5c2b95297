const { default: Sequencer } = require("@jest/test-sequencer");

// Of the files that take minutes, those whose size does not show it, by how long they take. Jest has nothing else to go by on
// a fresh clone, and one that begins last leaves all workers but its own with nothing to do.
const longest = [
    "ec2/ciFiles",
    "e2e/emulation",
    "ec2/faults",
    "kubernetes/faults",
    "ec2/changes",
    "ec2/killed",
    "e2e/twins",
    "ec2/variants",
    "ec2/campaign/campaign",
];
function place({ path }) {
    const at = longest.findIndex((name) => path.endsWith(`/tests/${name}.test.ts`));
    return at < 0 ? longest.length : at;
}

module.exports = class extends Sequencer {
    sort(tests) {
        return super.sort(tests).sort((one, other) => place(one) - place(other));
    }
};
