#include "run_token.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "util.h"

/* That of ours, then the names that Open MPI and other launchers by PMI give to a job. */
static const char *const run_token_variables[] = {RUN_TOKEN_VARIABLE, "PMIX_NAMESPACE",
                                                  "OMPI_MCA_ess_base_jobid", "PMI_JOBID"};

/* Reads a variable of the environment. UV_ENOENT: it is not there, or empty; UV_ENOBUFS: it is too
 * long. */
static int run_token_variable(const char *name, char text[RUN_TOKEN_SIZE])
{
    size_t size = RUN_TOKEN_SIZE;
    int status = uv_os_getenv(name, text, &size);
    return status == 0 && text[0] == '\0' ? UV_ENOENT : status;
}

/* A step of a job of Slurm: "4711.0". False: it is not there or too long. */
static bool run_token_of_slurm(char text[RUN_TOKEN_SIZE])
{
    char step[RUN_TOKEN_SIZE];
    if (run_token_variable("SLURM_JOB_ID", text) != 0 ||
        run_token_variable("SLURM_STEP_ID", step) != 0) {
        return false;
    }
    size_t length = strlen(text);
    int added = snprintf(text + length, RUN_TOKEN_SIZE - length, ".%s", step);
    return added > 0 && (size_t)added < RUN_TOKEN_SIZE - length;
}

/* The first variable is for any client, the others are of launchers. */
static bool run_token_found(bool launched, char text[RUN_TOKEN_SIZE])
{
    size_t count = launched ? LENGTH(run_token_variables) : 1;
    for (size_t i = 0; i < count; i++) {
        int status = run_token_variable(run_token_variables[i], text);
        if (status != UV_ENOENT) {
            return status == 0; /* another token would be easier to guess than one too long */
        }
    }
    return launched && run_token_of_slurm(text);
}

bool run_token_key(const char *given, bool launched, struct siphash_key *key)
{
    static const struct siphash_key low = {UINT64_C(0x6563686f706f7274), 1};
    static const struct siphash_key high = {UINT64_C(0x6563686f706f7274), 2};
    char text[RUN_TOKEN_SIZE];
    bool found = given == NULL && run_token_found(launched, text);
    const char *token = found ? text : given;
    *key = (struct siphash_key){0, 0};
    if (token != NULL) {
        key->low = siphash(&low, token, strlen(token));
        key->high = siphash(&high, token, strlen(token));
    }
    return token != NULL;
}
