/*
 * Stands in front of QEMU as the interpreter of a foreign architecture in binfmt_misc (flags P and F): a compiler of which
 * there is a twin, the same compiler built for this machine, is run as that twin; every other program, and this one too
 * whenever anything is not as it should be, is run by QEMU as before.
 *
 * The toolchain, which a build container finds at /dev/.native-toolchain (see runcWithToolchain.sh):
 *
 *     emulator                        QEMU
 *     loader, lib/                    the twins' dynamic loader and libraries
 *     twins/BUILD-ID/HASH/program     the twin of a program of this build id and content
 *     twins/BUILD-ID/HASH/arguments   what it needs to do the same as the original, see `adapt`
 *
 * Called by the kernel as: dispatcher PATH ARGV0 ARGUMENT...
 *
 * Built with -DEMULATOR="FILE" (QEMU's file, a part of this program: where no toolchain is mounted, in a container of
 * somebody else's, there is no other) and -DMACHINE=N (e_machine in elf.h). With -DIDENTIFY it is another program, which
 * prints BUILD-ID/HASH of each file that it is given.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TOOLCHAIN "/dev/.native-toolchain"

/* Of a program: its build id in hex, and a hash of all its bytes. One that was patched keeps its build id. */
struct identity {
	char build_id[2 * 64 + 1];
	char hash[16 + 1];
};

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
	return hash ^ (hash >> 29);
}

/* Four lanes, so that 30 MB take a few milliseconds. It tells programs apart; who forges one only fools himself. */
static uint64_t hash_of(const unsigned char *bytes, size_t size)
{
	uint64_t lanes[4] = { 1, 2, 3, size };
	size_t at = 0;

	for (; at + 32 <= size; at += 32) {
		uint64_t words[4];

		memcpy(words, bytes + at, sizeof(words));
		for (int lane = 0; lane < 4; lane++)
			lanes[lane] = mix(lanes[lane], words[lane]);
	}
	for (; at < size; at++)
		lanes[0] = mix(lanes[0], bytes[at]);
	return mix(mix(mix(lanes[0], lanes[1]), lanes[2]), lanes[3]);
}

/* The build id among the notes in file[from, to); false if there is none. */
static int build_id_of(const unsigned char *file, size_t from, size_t to, char *hex)
{
	while (to - from >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr note;

		memcpy(&note, file + from, sizeof(note));
		size_t name = from + sizeof(note);
		size_t text = name + ((note.n_namesz + 3u) & ~3u);
		size_t next = text + ((note.n_descsz + 3u) & ~3u);

		if (next > to || next <= from || text > next)
			return 0;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && memcmp(file + name, "GNU", 4) == 0 &&
		    note.n_descsz >= 8 && note.n_descsz <= 64) {
			for (size_t at = 0; at < note.n_descsz; at++)
				sprintf(hex + 2 * at, "%02x", file[text + at]);
			return 1;
		}
		from = next;
	}
	return 0;
}

/* False for what is no ELF program of the machine, or has no build id. */
static int identify_notes(const unsigned char *file, size_t size, char *hex)
{
	Elf64_Ehdr head;

	if (size < sizeof(head))
		return 0;
	memcpy(&head, file, sizeof(head));
	if (memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS64 ||
	    head.e_machine != MACHINE || head.e_phentsize != sizeof(Elf64_Phdr))
		return 0;
	for (unsigned at = 0; at < head.e_phnum; at++) {
		size_t place = head.e_phoff + at * sizeof(Elf64_Phdr);
		Elf64_Phdr part;

		if (place > size || size - place < sizeof(part))
			return 0;
		memcpy(&part, file + place, sizeof(part));
		if (part.p_type == PT_NOTE && part.p_offset <= size && part.p_filesz <= size - part.p_offset &&
		    build_id_of(file, part.p_offset, part.p_offset + part.p_filesz, hex))
			return 1;
	}
	return 0;
}

/* Of an open file. Hashes it only where `is_known` says yes to its build id. */
static int identify(int file, int (*is_known)(const char *build_id), struct identity *identity)
{
	struct stat facts;

	if (fstat(file, &facts) != 0 || !S_ISREG(facts.st_mode) || facts.st_size <= 0)
		return 0;
	size_t size = facts.st_size;
	unsigned char *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, file, 0);

	if (bytes == MAP_FAILED)
		return 0;
	if (!identify_notes(bytes, size, identity->build_id) || !is_known(identity->build_id)) {
		munmap(bytes, size);
		return 0;
	}
	madvise(bytes, size, MADV_POPULATE_READ);
	sprintf(identity->hash, "%016llx", (unsigned long long)hash_of(bytes, size));
	munmap(bytes, size);
	return 1;
}

#ifdef IDENTIFY

static int everything(const char *build_id)
{
	(void)build_id;
	return 1;
}

int main(int argc, char **argv)
{
	for (int at = 1; at < argc; at++) {
		struct identity identity;
		int file = open(argv[at], O_RDONLY | O_CLOEXEC);

		if (file < 0 || !identify(file, everything, &identity)) {
			fprintf(stderr, "%s: no program of machine %d with a build id\n", argv[at], MACHINE);
			return 1;
		}
		printf("%s/%s\n", identity.build_id, identity.hash);
		close(file);
	}
	return 0;
}

#else

__asm__(".section .rodata\n"
	".balign 4096\n"
	"emulator:\n"
	".incbin \"" EMULATOR "\"\n"
	"emulator_end:\n"
	".previous\n");
extern const char emulator[], emulator_end[];

/* What is compiled, or assembled, by a program of this name. */
static int is_compiler(const char *path)
{
	static const char *const names[] = { "cc1", "cc1plus", "lto1", "as" };
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t length = strlen(name);

	for (size_t at = 0; at < sizeof(names) / sizeof(*names); at++)
		if (strcmp(name, names[at]) == 0)
			return 1;
	return length > 3 && strcmp(name + length - 3, "-as") == 0;
}

/* What makes an original do what its twin would not: programs to load, and places to look for headers in. */
static int is_environment_plain(void)
{
	static const char *const names[] = { "LD_PRELOAD", "LD_AUDIT", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH",
					     "OBJC_INCLUDE_PATH", "QEMU_SET_ENV", "QEMU_UNSET_ENV", "QEMU_LD_PREFIX" };

	for (size_t at = 0; at < sizeof(names) / sizeof(*names); at++)
		if (getenv(names[at]))
			return 0;
	return 1;
}

static int is_known(const char *build_id)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), TOOLCHAIN "/twins/%s", build_id);
	return access(folder, F_OK) == 0;
}

/* Whether any argument is `pattern`, or begins with it where its last character is a star. */
static int is_among(const char *pattern, char **arguments)
{
	size_t length = strlen(pattern);
	int is_beginning = length > 0 && pattern[length - 1] == '*';

	for (; *arguments; arguments++)
		if (is_beginning ? strncmp(*arguments, pattern, length - 1) == 0 : strcmp(*arguments, pattern) == 0)
			return 1;
	return 0;
}

/*
 * Puts what the twin needs besides the caller's `arguments` at `end`, as its file says, a line each:
 *
 *     emulate PATTERN          where an argument fits, the original is run
 *     unless PATTERN ARGUMENT  is added, but where an argument fits
 *
 * False if the original is to be run. `text` is the file's, and is cut in pieces.
 */
static int adapt(char *text, char **arguments, char **end, int room)
{
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *word = NULL;
		const char *verb = strtok_r(line, " ", &word);
		const char *pattern = strtok_r(NULL, " ", &word);
		char *addition = strtok_r(NULL, " ", &word);

		if (verb && pattern && strcmp(verb, "emulate") == 0 && !addition) {
			if (is_among(pattern, arguments))
				return 0;
		} else if (verb && pattern && strcmp(verb, "unless") == 0 && addition && room-- > 1) {
			if (!is_among(pattern, arguments))
				*end++ = addition;
		} else {
			return 0;
		}
	}
	*end = NULL;
	return 1;
}

/* Runs the twin of the program in `file`, if it has one. Returns where it is to be emulated. */
static void run_twin(int file, const char *argv0, char **arguments, int count)
{
	struct identity identity;
	char program[PATH_MAX], description[PATH_MAX], text[8192];
	enum { before = 6, additions = 64 };
	char **words = NULL;

	if (!identify(file, is_known, &identity))
		return;
	snprintf(program, sizeof(program), TOOLCHAIN "/twins/%s/%s/program", identity.build_id, identity.hash);
	snprintf(description, sizeof(description), TOOLCHAIN "/twins/%s/%s/arguments", identity.build_id, identity.hash);

	int described = open(description, O_RDONLY | O_CLOEXEC);

	if (described < 0)
		return;
	ssize_t length = read(described, text, sizeof(text));

	close(described);
	if (length < 0 || length == sizeof(text))
		return;
	text[length] = '\0';

	char *added[additions];

	if (!adapt(text, arguments, added, additions))
		return;
	words = calloc(before + count + additions + 1, sizeof(*words));
	if (!words)
		return;
	char *head[] = { TOOLCHAIN "/loader", "--library-path", TOOLCHAIN "/lib", "--argv0", (char *)argv0, program };
	char **end = words;

	for (int at = 0; at < before; at++)
		*end++ = head[at];
	for (int at = 0; at < count; at++)
		*end++ = arguments[at];
	for (char **addition = added; *addition; addition++)
		*end++ = *addition;
	execv(words[0], words);
	free(words);
}

/* QEMU takes the same words, after an option that names argv[0]. */
static void emulate(char *path, char *argv0, char **arguments, int count, int is_trusted)
{
	char **words = calloc(count + 5, sizeof(*words));

	if (!words)
		return;
	words[0] = TOOLCHAIN "/emulator";
	words[1] = "-0";
	words[2] = argv0;
	words[3] = path;
	memcpy(words + 4, arguments, count * sizeof(*words));
	/* A program with more rights than its caller's does not look for its interpreter where the caller could put one. */
	if (is_trusted)
		execv(words[0], words);

	int file = memfd_create("emulator", MFD_CLOEXEC);
	size_t left = emulator_end - emulator;

	for (const char *from = emulator; file >= 0 && left > 0;) {
		ssize_t written = write(file, from, left);

		if (written <= 0)
			return;
		from += written;
		left -= written;
	}
	syscall(SYS_execveat, file, "", words, environ, AT_EMPTY_PATH);
}

int main(int argc, char **argv)
{
	unsigned long opened = getauxval(AT_EXECFD);
	int is_trusted = !getauxval(AT_SECURE);

	if (argc < 3) {
		fprintf(stderr, "native-buildx: called by the kernel only, as an interpreter with flag P\n");
		return 127;
	}
	char *path = argv[1], *argv0 = argv[2], **arguments = argv + 3;

	if (is_trusted && is_compiler(path) && is_environment_plain()) {
		int file = open(path, O_RDONLY | O_CLOEXEC);

		if (file >= 0) {
			run_twin(file, argv0, arguments, argc - 3);
			close(file);
		}
	}
	/* A program that may be run and not read: the kernel has opened it. */
	static char by_descriptor[40];

	if (opened) {
		if (access(path, R_OK) != 0) {
			snprintf(by_descriptor, sizeof(by_descriptor), "/proc/self/fd/%lu", opened);
			path = by_descriptor;
		} else {
			close(opened);
		}
	}
	emulate(path, argv0, arguments, argc - 3, is_trusted);
	perror("native-buildx: no emulator");
	return 127;
}

#endif
