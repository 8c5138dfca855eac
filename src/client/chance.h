#ifndef ECHOPORT_CHANCE_H
#define ECHOPORT_CHANCE_H

/* Distributions that a confidence interval needs. Pure functions, any thread. */

/* P(X >= rank), where X counts the hits in `trials` trials of probability `share` each; in (0, 1).
 * `rank` is in (0, trials]. Both may be fractions: the beta distribution is between the steps. */
double chance_at_least(double rank, double trials, double share);

/* The value that Student's t with `freedom` degrees of freedom (1 or more) exceeds with probability
 * `tail`, in (0, 0.5). */
double chance_student(double freedom, double tail);

/* The same of the normal distribution. */
double chance_normal(double tail);

#endif
