/* Encodes a WAV file to Ogg Opus: encode [INPUT.wav [OUTPUT.opus]]; "-" or nothing is standard input or output. */
#include <opus.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ogg.h"

#define BITS_PER_SECOND 96000
#define FRAMES_PER_SECOND 50
#define LARGEST_PACKET 4000
/* What a player shows. Change it to see what a one-line change costs. */
static const char title[] = "TITLE=native-buildx example";

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

int main(int count, char **arguments) {
    FILE *input = stdin, *output = stdout;
    if (count > 3) fail("usage: encode [INPUT.wav [OUTPUT.opus]]");
    if (count > 1 && strcmp(arguments[1], "-") && !(input = fopen(arguments[1], "rb")))
        fail("cannot read %s", arguments[1]);
    struct sound sound = read_wav(input);
    int error;
    OpusEncoder *encoder = opus_encoder_create((opus_int32)sound.rate, (int)sound.channels, OPUS_APPLICATION_AUDIO, &error);
    if (error) fail("%u samples a second: Opus takes 8000, 12000, 16000, 24000 or 48000", sound.rate);
    if (count > 2 && strcmp(arguments[2], "-") && !(output = fopen(arguments[2], "wb")))
        fail("cannot write %s", arguments[2]);

    opus_int32 lookahead;
    opus_encoder_ctl(encoder, OPUS_SET_BITRATE(BITS_PER_SECOND));
    opus_encoder_ctl(encoder, OPUS_GET_LOOKAHEAD(&lookahead));
    unsigned scale = 48000 / sound.rate; /* Ogg Opus counts in 48000ths of a second, whatever went in */

    struct ogg_page page = {.output = output, .serial = 1};
    unsigned char head[19] = "OpusHead\1";
    head[9] = (unsigned char)sound.channels;
    put_little_endian(head + 10, (uint64_t)lookahead * scale, 2);
    put_little_endian(head + 12, sound.rate, 4);
    ogg_packet(&page, head, sizeof head, 0);
    ogg_flush(&page, 0);

    unsigned char tags[256] = "OpusTags";
    const char *vendor = opus_get_version_string();
    size_t length = 8;
    put_little_endian(tags + length, strlen(vendor), 4);
    memcpy(tags + length + 4, vendor, strlen(vendor));
    length += 4 + strlen(vendor);
    put_little_endian(tags + length, 1, 4);
    put_little_endian(tags + length + 4, sizeof title - 1, 4);
    memcpy(tags + length + 8, title, sizeof title - 1);
    ogg_packet(&page, tags, length + 8 + sizeof title - 1, 0);
    ogg_flush(&page, 0);

    unsigned frame = sound.rate / FRAMES_PER_SECOND;
    uint64_t end = sound.samples + (uint64_t)lookahead;
    opus_int16 *buffer = calloc((size_t)frame * sound.channels, sizeof *buffer);
    if (!buffer) fail("not enough memory");
    for (uint64_t at = 0; at < end; at += frame) {
        uint64_t left = at < sound.samples ? sound.samples - at : 0;
        size_t values = (left < frame ? left : frame) * sound.channels;
        memset(buffer, 0, frame * sound.channels * sizeof *buffer);
        if (values) memcpy(buffer, sound.data + at * sound.channels, values * sizeof *buffer);
        unsigned char packet[LARGEST_PACKET];
        opus_int32 bytes = opus_encode(encoder, buffer, (int)frame, packet, sizeof packet);
        if (bytes < 0) fail("%s", opus_strerror(bytes));
        uint64_t done = at + frame < end ? at + frame : end;
        ogg_packet(&page, packet, (size_t)bytes, done * scale);
    }
    ogg_flush(&page, 1);
    if (fclose(output)) fail("the output could not be written");
    return 0;
}
