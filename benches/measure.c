/* Runs a command and writes what it took: `measure FILE COMMAND [WORD]...`.
 *
 * FILE gets one line: exit status, nanoseconds from the start to the end, microseconds of user and of system time, peak KiB.
 * It is a program of its own because Linux counts the memory of the process that starts a command into the command's peak: from
 * Python that is 14 MiB before the first instruction, from here 1 MiB. */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(int count, char **words) {
    struct timespec before, after;
    struct rusage usage;
    int status;
    if (count < 3) return 2;
    clock_gettime(CLOCK_MONOTONIC, &before);
    pid_t child = fork();
    if (child < 0) return 2;
    if (child == 0) {
        execvp(words[2], words + 2);
        perror(words[2]);
        _exit(127);
    }
    if (wait4(child, &status, 0, &usage) != child) return 2;
    clock_gettime(CLOCK_MONOTONIC, &after);
    FILE *out = fopen(words[1], "w");
    if (!out) return 2;
    fprintf(out, "%d %lld %lld %lld %ld\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
            (after.tv_sec - before.tv_sec) * 1000000000LL + (after.tv_nsec - before.tv_nsec),
            usage.ru_utime.tv_sec * 1000000LL + usage.ru_utime.tv_usec,
            usage.ru_stime.tv_sec * 1000000LL + usage.ru_stime.tv_usec, usage.ru_maxrss);
    return fclose(out) ? 2 : 0;
}
