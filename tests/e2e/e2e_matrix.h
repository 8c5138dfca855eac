#ifndef ECHOPORT_E2E_MATRIX_H
#define ECHOPORT_E2E_MATRIX_H

/* Matrices for echo-bench, with runs that are too short to measure speed. */

#define E2E_MATRIX_ROUNDS 6

/* The file of a matrix of these backends and cases, each as JSON: "\"uv\"", "{\"name\": ...}". It
 * is removed after the test. */
const char *e2e_matrix(const char *backends, const char *cases);

#endif
