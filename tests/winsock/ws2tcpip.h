#ifndef ECHOPORT_WS2TCPIP_H
#define ECHOPORT_WS2TCPIP_H

#include "winsock2.h"

#endif
