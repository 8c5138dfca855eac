#ifndef ECHOPORT_REPORT_FORMAT_H
#define ECHOPORT_REPORT_FORMAT_H

/* The number of the format of a client's JSON report. It grows when members change their meaning or
 * go. It includes nothing, so that those that read with jansson may have it. */
#define CLIENT_REPORT_FORMAT 1

#endif
