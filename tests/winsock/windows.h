#ifndef ECHOPORT_WINDOWS_H
#define ECHOPORT_WINDOWS_H

#include "winsock2.h"

#endif
