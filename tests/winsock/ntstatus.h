#ifndef ECHOPORT_NTSTATUS_H
#define ECHOPORT_NTSTATUS_H

#include "winsock2.h"

#endif
