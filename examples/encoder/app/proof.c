/* Proves that the encoder works: "proof tone" writes a second of a 440 Hz tone as WAV to standard output,
   "proof check" reads its encoding from standard input, decodes it and looks for the tone. */
#include <lame.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"

#define RATE 48000
#define HERTZ 440
#define PI 3.14159265358979323846
#define FRAME 1152
#define ID3V1 128

static int tone(void) {
    unsigned char wav[44 + RATE * 2] = "RIFF....WAVEfmt ";
    put_little_endian(wav + 4, sizeof wav - 8, 4);
    put_little_endian(wav + 16, 16, 4);
    put_little_endian(wav + 20, 1, 2); /* uncompressed */
    put_little_endian(wav + 22, 1, 2); /* channels */
    put_little_endian(wav + 24, RATE, 4);
    put_little_endian(wav + 28, RATE * 2, 4);
    put_little_endian(wav + 32, 2, 2);
    put_little_endian(wav + 34, 16, 2);
    memcpy(wav + 36, "data", 4);
    put_little_endian(wav + 40, RATE * 2, 4);
    for (int i = 0; i < RATE; i++)
        put_little_endian(wav + 44 + 2 * i, (uint16_t)(int16_t)(16000 * sin(2 * PI * HERTZ * i / RATE)), 2);
    return fwrite(wav, 1, sizeof wav, stdout) != sizeof wav;
}

static void expect(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "proof: not a good MP3 stream: %s\n", what);
    exit(1);
}

/* Bytes of the MPEG 1 layer III frame with this header, 0 if it is none. */
static size_t frame_bytes(const unsigned char *header) {
    static const unsigned kilobits[16] = {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0};
    int is_48000 = (header[2] >> 2 & 3) == 1;
    if (header[0] != 0xff || (header[1] & 0xfe) != 0xfa || !is_48000) return 0;
    return 144000 * kilobits[header[2] >> 4] / RATE + (header[2] >> 1 & 1);
}

static int check(void) {
    static unsigned char file[1 << 20];
    static short sound[4 * RATE], right[2 * RATE];
    size_t bytes = fread(file, 1, sizeof file, stdin), at = 0, samples = 0;
    unsigned frames = 0;
    hip_t decoder = hip_decode_init();
    expect(bytes > ID3V1 && !memcmp(file + bytes - ID3V1, "TAG", 3), "no title at its end");
    for (size_t length, end = bytes - ID3V1; at < end; at += length, frames++) {
        length = end - at < 4 ? 0 : frame_bytes(file + at);
        expect(length > 0, "no frame where one should start");
        expect(at + length <= end, "a cut frame");
        expect(samples + RATE < sizeof sound / sizeof *sound, "too much sound");
        int got = hip_decode(decoder, file + at, length, sound + samples, right);
        expect(got >= 0, "a frame that cannot be decoded");
        samples += (size_t)got;
    }
    hip_decode_exit(decoder);
    /* The codec adds up to three frames of silence at the two ends together. */
    expect(samples >= RATE && frames * FRAME <= RATE + 4 * FRAME, "not one second long");
    double sine = 0, cosine = 0, energy = 0;
    const int from = 4 * FRAME, count = RATE / 2;
    for (int i = from; i < from + count; i++) {
        double angle = 2 * PI * HERTZ * i / RATE;
        sine += sound[i] * sin(angle);
        cosine += sound[i] * cos(angle);
        energy += (double)sound[i] * sound[i];
    }
    double share = energy > 0 ? 2 * (sine * sine + cosine * cosine) / count / energy : 0;
    printf("%zu bytes, %u frames, %.1f %% of the sound is the %d Hz tone\n", bytes, frames, 100 * share, HERTZ);
    expect(share > 0.99 && sqrt(energy / count) > 10000, "the tone is not in it");
    return 0;
}

int main(int count, char **arguments) {
    if (count == 2 && !strcmp(arguments[1], "tone")) return tone();
    if (count == 2 && !strcmp(arguments[1], "check")) return check();
    fputs("usage: proof tone|check\n", stderr);
    return 2;
}
