// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_BACKEND_IOCP_EXTENSION_FUNCTIONS_HPP
#define SLK_IO_BACKEND_IOCP_EXTENSION_FUNCTIONS_HPP

/// Microsoft's extensions of Windows Sockets. They are not exported: a socket returns their
/// addresses.

#include "io/os/windows/winsock.hpp"

namespace slk::io::iocp {

struct extension_functions {
    LPFN_CONNECTEX connect = nullptr;
    LPFN_ACCEPTEX accept = nullptr;
};

/// They belong to the provider of the socket, and each address family has its own provider: the
/// functions of one family's socket must not be called with another's.
[[nodiscard]] result<extension_functions> load_extension_functions(native_handle handle);

/// FILE_SKIP_COMPLETION_PORT_ON_SUCCESS works only if a socket is a handle of the system. A layered
/// provider (LSP) may make up its handles, and completions are lost for ever (Microsoft,
/// SetFileCompletionNotificationModes and KB2568167). Returns true if no TCP provider is of that
/// kind.
[[nodiscard]] bool every_provider_uses_system_handles();

} // namespace slk::io::iocp

#endif
