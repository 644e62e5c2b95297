/* Encodes a WAV file to MP3: encode [INPUT.wav [OUTPUT.mp3]]; "-" or nothing is standard input or output. */
#include <lame.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"

#define KILOBITS_PER_SECOND 128
#define SAMPLES_AT_ONCE 1152
/* What a player shows. Change it to see what a one-line change costs. */
static const char title[] = "native-buildx example";

static void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("encode: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    exit(1);
}

struct sound {
    unsigned channels, rate;
    uint64_t samples; /* per channel */
    int16_t *data;
};

static void read_exactly(FILE *file, void *into, size_t bytes) {
    if (fread(into, 1, bytes, file) != bytes) fail("the WAV file ends too early");
}

static struct sound read_wav(FILE *file) {
    struct sound sound = {0};
    unsigned char head[16];
    read_exactly(file, head, 12);
    if (memcmp(head, "RIFF", 4) || memcmp(head + 8, "WAVE", 4)) fail("not a WAV file");
    for (;;) {
        read_exactly(file, head, 8);
        uint32_t bytes = (uint32_t)little_endian(head + 4, 4);
        if (!memcmp(head, "data", 4)) {
            if (!sound.channels) fail("the WAV file has no format before its data");
            sound.samples = bytes / 2 / sound.channels;
            size_t values = sound.samples * sound.channels;
            unsigned char *raw = malloc(values * 2 + 1);
            sound.data = malloc(values * sizeof *sound.data + 1);
            if (!raw || !sound.data) fail("not enough memory for %u bytes of sound", bytes);
            read_exactly(file, raw, values * 2);
            for (size_t i = 0; i < values; i++) sound.data[i] = (int16_t)little_endian(raw + 2 * i, 2);
            free(raw);
            return sound;
        }
        uint32_t padded = bytes + (bytes & 1);
        if (!memcmp(head, "fmt ", 4) && bytes >= 16) {
            read_exactly(file, head, 16);
            padded -= 16;
            sound.channels = (unsigned)little_endian(head + 2, 2);
            sound.rate = (unsigned)little_endian(head + 4, 4);
            if (little_endian(head, 2) != 1 || little_endian(head + 14, 2) != 16)
                fail("only uncompressed 16-bit WAV files are read");
            if (sound.channels < 1 || sound.channels > 2) fail("%u channels: only 1 or 2 are read", sound.channels);
        }
        while (padded--) read_exactly(file, head, 1);
    }
}

static void write_exactly(FILE *file, const unsigned char *data, int bytes) {
    if (bytes < 0) fail("LAME gave up with error %d", bytes);
    if (fwrite(data, 1, (size_t)bytes, file) != (size_t)bytes) fail("the output could not be written");
}

int main(int count, char **arguments) {
    FILE *input = stdin, *output = stdout;
    if (count > 3) fail("usage: encode [INPUT.wav [OUTPUT.mp3]]");
    if (count > 1 && strcmp(arguments[1], "-") && !(input = fopen(arguments[1], "rb")))
        fail("cannot read %s", arguments[1]);
    struct sound sound = read_wav(input);
    lame_global_flags *lame = lame_init();
    if (!lame) fail("not enough memory");
    lame_set_in_samplerate(lame, (int)sound.rate);
    lame_set_num_channels(lame, (int)sound.channels);
    lame_set_mode(lame, sound.channels == 1 ? MONO : JOINT_STEREO);
    lame_set_brate(lame, KILOBITS_PER_SECOND);
    lame_set_bWriteVbrTag(lame, 0); /* it is written last, at the start of the file: not to a pipe */
    id3tag_init(lame);
    id3tag_v1_only(lame);
    id3tag_set_title(lame, title);
    if (lame_init_params(lame) < 0) fail("MP3 does not have %u samples a second", sound.rate);
    if (count > 2 && strcmp(arguments[2], "-") && !(output = fopen(arguments[2], "wb")))
        fail("cannot write %s", arguments[2]);

    unsigned char mp3[SAMPLES_AT_ONCE * 5 / 4 + 7200]; /* LAME's own worst case */
    for (uint64_t at = 0; at < sound.samples; at += SAMPLES_AT_ONCE) {
        uint64_t left = sound.samples - at;
        int samples = left < SAMPLES_AT_ONCE ? (int)left : SAMPLES_AT_ONCE;
        int16_t *from = sound.data + at * sound.channels;
        int bytes = sound.channels == 1 ? lame_encode_buffer(lame, from, from, samples, mp3, sizeof mp3)
                                        : lame_encode_buffer_interleaved(lame, from, samples, mp3, sizeof mp3);
        write_exactly(output, mp3, bytes);
    }
    write_exactly(output, mp3, lame_encode_flush(lame, mp3, sizeof mp3));
    if (fclose(output)) fail("the output could not be written");
    lame_close(lame);
    return 0;
}
