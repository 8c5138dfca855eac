#include "iocp_acceptex.h"

int iocp_acceptex_start(struct iocp_slot *slot)
{
    const struct io_listener *listener = slot->listener;
    const DWORD address_size = (DWORD)IOCP_ADDRESS_SIZE;
    DWORD bytes = 0;
    listener->loop->base.stats.other_calls++;
    SOCKET os_socket = iocp_open_handle(listener->family);
    if (os_socket == INVALID_SOCKET) {
        return iocp_last_error();
    }
    OVERLAPPED *overlapped = iocp_begin(&slot->request);
    bool succeeded = listener->loop->accept_ex(listener->os_socket, os_socket, slot->buffer,
                                               (DWORD)listener->first_size, address_size,
                                               address_size, &bytes, overlapped) != FALSE;
    int outcome = iocp_started(&slot->request, succeeded, listener->inline_outcomes);
    if (outcome < 0) {
        iocp_close_handle(os_socket);
        return outcome;
    }
    slot->os_socket = os_socket;
    slot->length = bytes;
    return outcome;
}

int iocp_acceptex_finish(const struct iocp_slot *slot)
{
    const struct io_listener *listener = slot->listener;
    listener->loop->base.stats.other_calls++;
    return iocp_set_option(slot->os_socket, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT,
                           &listener->os_socket, sizeof(listener->os_socket));
}
