// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_WINDOWS_SYSTEM_SHIM_HPP
#define SLK_TESTS_WINDOWS_SYSTEM_SHIM_HPP

/// Stands between this program and the system: records the calls that the backend makes, in their
/// order, and lets some of them fail.
///
/// Wine hides some of Windows' rules (a socket works without SO_UPDATE_CONNECT_CONTEXT), so what
/// must be shown is the call itself. The shim writes into the table of imported functions of the
/// running program: the library under test is unmodified.

#include "io/os/windows/winsock.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

namespace slk::testing {

enum class api {
    bind,
    cancel,           ///< CancelIoEx
    close,            ///< closesocket
    connect_ex,
    accept_ex,
    plain_accept,     ///< accept, which IOCP has no use for
    get_option,
    local_name,       ///< getsockname
    ioctl,            ///< WSAIoctl; `option` is its control code
    modes,            ///< SetFileCompletionNotificationModes
    peer_name,        ///< getpeername
    post,             ///< PostQueuedCompletionStatus
    receive,          ///< WSARecv
    send,             ///< WSASend
    set_option,       ///< `level`, `option`; `value` is the first int, or a SOCKET
    shutdown,
    wait,             ///< GetQueuedCompletionStatusEx; `value` is the timeout
};

struct call {
    api function;
    SOCKET socket = INVALID_SOCKET;
    int level = 0;
    std::uint32_t option = 0;
    std::uint64_t value = 0;
    int family = 0; ///< of the address that was passed, or of the functions that were called
    bool any_address = false;
    std::uint32_t failed = 0; ///< the error that the caller saw
};

class system_shim {
public:
    system_shim();
    ~system_shim();
    system_shim(const system_shim&) = delete;
    system_shim& operator=(const system_shim&) = delete;

    [[nodiscard]] std::vector<call> calls();
    [[nodiscard]] std::vector<call> calls_of(api function);
    [[nodiscard]] std::vector<call> calls_on(SOCKET socket);

    /// setsockopt of this option of SOL_SOCKET fails `times` times with `code`.
    void fail_option(std::uint32_t option, int times, int code);
    /// ConnectEx and AcceptEx fail at once.
    std::atomic<int> fail_connects{0};
    std::atomic<int> fail_accepts{0};
    std::atomic<int> extension_failure{WSAECONNRESET};
    /// The number of posts to a port, of 100, that fail for lack of memory.
    std::atomic<unsigned> failing_posts{0};
    /// WSAEnumProtocols lists a layered provider whose sockets are no handles of the system.
    std::atomic<bool> layered_provider{false};
    /// Nothing is recorded: for tests that make very many calls.
    std::atomic<bool> quiet{false};

    // For the replaced functions.
    void record(const call& made);
    [[nodiscard]] bool option_fails(std::uint32_t option, int& code);
    LPFN_CONNECTEX connect_ex[2] = {};
    LPFN_ACCEPTEX accept_ex[2] = {};

private:
    std::mutex mutex_;
    std::vector<call> calls_;
    std::uint32_t failing_option_ = 0;
    int failing_times_ = 0;
    int failing_code_ = 0;
};

/// Returns whether this program imports the function.
[[nodiscard]] bool program_imports(std::string_view function);

} // namespace slk::testing

#endif
