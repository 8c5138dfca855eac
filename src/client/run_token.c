#include "run_token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

/* Bytes of a launcher's name of a job. */
#define RUN_TOKEN_SIZE 512

/* The names that Open MPI and other launchers by PMI give to a job. */
static const char *const run_token_variables[] = {"PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid",
                                                  "PMI_JOBID"};

/* NULL also if the variable is empty. */
static const char *run_token_variable(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* What a launcher calls the job, into `text`. */
static const char *run_token_of_launcher(char text[RUN_TOKEN_SIZE])
{
    const char *job = run_token_variable("SLURM_JOB_ID");
    const char *step = run_token_variable("SLURM_STEP_ID");
    for (size_t i = 0; i < LENGTH(run_token_variables); i++) {
        const char *token = run_token_variable(run_token_variables[i]);
        if (token != NULL) {
            return token;
        }
    }
    if (job == NULL || step == NULL) {
        return NULL;
    }
    (void)snprintf(text, RUN_TOKEN_SIZE, "%s.%s", job, step);
    return text;
}

bool run_token_key(const char *given, bool launched, struct siphash_key *key)
{
    static const struct siphash_key low = {UINT64_C(0x6563686f706f7274), 1};
    static const struct siphash_key high = {UINT64_C(0x6563686f706f7274), 2};
    char text[RUN_TOKEN_SIZE];
    const char *token = given != NULL ? given : run_token_variable(RUN_TOKEN_VARIABLE);
    *key = (struct siphash_key){0, 0};
    if (token == NULL && launched) {
        token = run_token_of_launcher(text);
    }
    if (token != NULL) {
        key->low = siphash(&low, token, strlen(token));
        key->high = siphash(&high, token, strlen(token));
    }
    return token != NULL;
}
