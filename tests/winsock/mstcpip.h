#ifndef ECHOPORT_MSTCPIP_H
#define ECHOPORT_MSTCPIP_H

#include "winsock2.h"

#endif
