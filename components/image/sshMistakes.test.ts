import { sshMistakes } from "./sshMistakes";

test("a path from the home folder, which only a shell knows", () => {
    expect(sshMistakes(["default", "a=/gone/key,~/.ssh/key", "b=./~/key"])).toEqual([
        '"a=/gone/key,~/.ssh/key": buildx knows no ~, as in ~/.ssh/key; write the whole path',
    ]);
});
