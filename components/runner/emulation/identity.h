/*
 * What a program is known by, for those that look at it: the dispatcher, and tools/twins/identify.c, which says it
 * for the table of twins; and the compile cluster's front. Built with -DMACHINE=N (e_machine in elf.h; 0: any of 64 bits).
 */
#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#if MACHINE == EM_ARM || MACHINE == EM_386
enum { CLASS = ELFCLASS32 };
typedef Elf32_Ehdr Head;
typedef Elf32_Phdr Part;
typedef Elf32_Nhdr Note;
#else
enum { CLASS = ELFCLASS64 };
typedef Elf64_Ehdr Head;
typedef Elf64_Phdr Part;
typedef Elf64_Nhdr Note;
#endif

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
	while (to - from >= sizeof(Note)) {
		Note note;

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
	Head head;

	if (size < sizeof(head))
		return 0;
	memcpy(&head, file, sizeof(head));
	if (memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != CLASS ||
	    (MACHINE != 0 && head.e_machine != MACHINE) || head.e_phentsize != sizeof(Part))
		return 0;
	for (unsigned at = 0; at < head.e_phnum; at++) {
		size_t place = head.e_phoff + at * sizeof(Part);
		Part part;

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
