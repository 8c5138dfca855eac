#ifndef ECHOPORT_MSWSOCK_H
#define ECHOPORT_MSWSOCK_H

#include "winsock2.h"

#endif
