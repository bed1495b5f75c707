// SPDX-License-Identifier: MPL-2.0
#include "io/backend/iocp/status.hpp"

#include "io/os/windows/codes.hpp"

#include <algorithm>
#include <iterator>

namespace slk::io::iocp {

namespace {

constexpr std::int32_t net_name_deleted = 64;    // ERROR_NETNAME_DELETED
constexpr std::int32_t operation_aborted = 995;  // WSA_OPERATION_ABORTED
constexpr std::int32_t access_denied = 10013;    // WSAEACCES
constexpr std::int32_t bad_pointer = 10014;      // WSAEFAULT
constexpr std::int32_t invalid = 10022;          // WSAEINVAL
constexpr std::int32_t too_many_open = 10024;    // WSAEMFILE
constexpr std::int32_t would_block = 10035;      // WSAEWOULDBLOCK
constexpr std::int32_t not_a_socket = 10038;     // WSAENOTSOCK
constexpr std::int32_t message_size = 10040;     // WSAEMSGSIZE
constexpr std::int32_t not_supported = 10045;    // WSAEOPNOTSUPP
constexpr std::int32_t address_in_use = 10048;   // WSAEADDRINUSE
constexpr std::int32_t no_such_address = 10049;  // WSAEADDRNOTAVAIL
constexpr std::int32_t network_down = 10050;     // WSAENETDOWN
constexpr std::int32_t no_network_route = 10051; // WSAENETUNREACH
constexpr std::int32_t aborted = 10053;          // WSAECONNABORTED
constexpr std::int32_t reset = 10054;            // WSAECONNRESET
constexpr std::int32_t no_buffers = 10055;       // WSAENOBUFS
constexpr std::int32_t is_connected = 10056;     // WSAEISCONN
constexpr std::int32_t not_connected = 10057;    // WSAENOTCONN
constexpr std::int32_t is_shut_down = 10058;     // WSAESHUTDOWN
constexpr std::int32_t timed_out = 10060;        // WSAETIMEDOUT
constexpr std::int32_t refused = 10061;          // WSAECONNREFUSED
constexpr std::int32_t host_down = 10064;        // WSAEHOSTDOWN
constexpr std::int32_t no_host_route = 10065;    // WSAEHOSTUNREACH
constexpr std::int32_t disconnected = 10101;     // WSAEDISCON

struct entry {
    std::uint32_t status;
    std::int32_t code;
};

constexpr entry entries[] = {
    {0x00000102, timed_out},         // STATUS_TIMEOUT, a "success" that is none
    {0x80000005, message_size},      // STATUS_BUFFER_OVERFLOW
    {0x8000000A, operation_aborted}, // STATUS_HANDLES_CLOSED: the socket was closed meanwhile
    {0xC0000002, not_supported},     // STATUS_NOT_IMPLEMENTED
    {0xC0000005, bad_pointer},       // STATUS_ACCESS_VIOLATION
    {0xC0000007, no_buffers},        // STATUS_PAGEFILE_QUOTA
    {0xC0000008, not_a_socket},      // STATUS_INVALID_HANDLE
    {0xC000000D, invalid},           // STATUS_INVALID_PARAMETER
    {0xC000000E, network_down},      // STATUS_NO_SUCH_DEVICE
    {0xC000000F, network_down},      // STATUS_NO_SUCH_FILE
    {0xC0000010, not_supported},     // STATUS_INVALID_DEVICE_REQUEST
    {0xC0000011, disconnected},      // STATUS_END_OF_FILE
    {0xC0000017, no_buffers},        // STATUS_NO_MEMORY
    {0xC0000018, no_such_address},   // STATUS_CONFLICTING_ADDRESSES
    {0xC0000022, access_denied},     // STATUS_ACCESS_DENIED
    {0xC0000023, bad_pointer},       // STATUS_BUFFER_TOO_SMALL
    {0xC0000024, not_a_socket},      // STATUS_OBJECT_TYPE_MISMATCH
    {0xC0000034, network_down},      // STATUS_OBJECT_NAME_NOT_FOUND
    {0xC000003A, network_down},      // STATUS_OBJECT_PATH_NOT_FOUND
    {0xC0000043, address_in_use},    // STATUS_SHARING_VIOLATION
    {0xC0000044, no_buffers},        // STATUS_QUOTA_EXCEEDED
    {0xC0000061, access_denied},     // STATUS_PRIVILEGE_NOT_HELD
    {0xC0000097, no_buffers},        // STATUS_TOO_MANY_PAGING_FILES
    {0xC000009A, no_buffers},        // STATUS_INSUFFICIENT_RESOURCES
    {0xC00000A1, no_buffers},        // STATUS_WORKING_SET_QUOTA
    {0xC00000A3, would_block},       // STATUS_DEVICE_NOT_READY
    {0xC00000B0, is_shut_down},      // STATUS_PIPE_DISCONNECTED
    {0xC00000B5, timed_out},         // STATUS_IO_TIMEOUT
    {0xC00000B6, reset},             // STATUS_FILE_FORCED_CLOSED
    {0xC00000BB, not_supported},     // STATUS_NOT_SUPPORTED
    {0xC00000BC, refused},           // STATUS_REMOTE_NOT_LISTENING
    {0xC00000BE, no_network_route},  // STATUS_BAD_NETWORK_PATH
    {0xC00000BF, network_down},      // STATUS_NETWORK_BUSY
    {0xC00000C3, network_down},      // STATUS_INVALID_NETWORK_RESPONSE
    {0xC00000C4, network_down},      // STATUS_UNEXPECTED_NETWORK_ERROR
    {status_network_name_deleted, net_name_deleted},
    {0xC00000CA, access_denied},     // STATUS_NETWORK_ACCESS_DENIED
    {0xC00000D0, would_block},       // STATUS_REQUEST_NOT_ACCEPTED
    {0xC00000D6, reset},             // STATUS_VIRTUAL_CIRCUIT_CLOSED
    {0xC00000E8, bad_pointer},       // STATUS_INVALID_USER_BUFFER
    {0xC000011F, too_many_open},     // STATUS_TOO_MANY_OPENED_FILES
    {0xC0000120, operation_aborted}, // STATUS_CANCELLED
    {0xC0000128, not_a_socket},      // STATUS_FILE_CLOSED
    {0xC000012D, no_buffers},        // STATUS_COMMITMENT_LIMIT
    {0xC000013B, aborted},           // STATUS_LOCAL_DISCONNECT
    {0xC000013C, reset},             // STATUS_REMOTE_DISCONNECT
    {0xC000013D, no_buffers},        // STATUS_REMOTE_RESOURCES
    {0xC000013E, reset},             // STATUS_LINK_FAILED
    {0xC000013F, timed_out},         // STATUS_LINK_TIMEOUT
    {0xC0000140, not_connected},     // STATUS_INVALID_CONNECTION
    {0xC0000141, no_such_address},   // STATUS_INVALID_ADDRESS
    {0xC000014B, reset},             // STATUS_PIPE_BROKEN
    {0xC0000184, invalid},           // STATUS_INVALID_DEVICE_STATE
    {0xC0000201, access_denied},     // STATUS_NETWORK_OPEN_RESTRICTION
    {0xC0000206, message_size},      // STATUS_INVALID_BUFFER_SIZE
    {0xC0000207, no_such_address},   // STATUS_INVALID_ADDRESS_COMPONENT
    {0xC0000209, address_in_use},    // STATUS_TOO_MANY_ADDRESSES
    {0xC000020A, address_in_use},    // STATUS_ADDRESS_ALREADY_EXISTS
    {0xC000020B, reset},             // STATUS_ADDRESS_CLOSED
    {0xC000020C, reset},             // STATUS_CONNECTION_DISCONNECTED
    {0xC000020D, reset},             // STATUS_CONNECTION_RESET
    {0xC000020F, aborted},           // STATUS_TRANSACTION_ABORTED
    {0xC0000236, refused},           // STATUS_CONNECTION_REFUSED
    {0xC0000237, disconnected},      // STATUS_GRACEFUL_DISCONNECT
    {0xC0000238, address_in_use},    // STATUS_ADDRESS_ALREADY_ASSOCIATED
    {0xC0000239, no_such_address},   // STATUS_ADDRESS_NOT_ASSOCIATED
    {0xC000023A, not_connected},     // STATUS_CONNECTION_INVALID
    {0xC000023B, is_connected},      // STATUS_CONNECTION_ACTIVE
    {0xC000023C, no_network_route},  // STATUS_NETWORK_UNREACHABLE
    {0xC000023D, no_host_route},     // STATUS_HOST_UNREACHABLE
    {0xC000023E, no_network_route},  // STATUS_PROTOCOL_UNREACHABLE
    {0xC000023F, refused},           // STATUS_PORT_UNREACHABLE
    {0xC0000240, aborted},           // STATUS_REQUEST_ABORTED
    {0xC0000241, aborted},           // STATUS_CONNECTION_ABORTED
    {0xC0000246, refused},           // STATUS_CONNECTION_COUNT_LIMIT
    {0xC0000350, host_down},         // STATUS_HOST_DOWN
    {0xC000A012, no_host_route},     // STATUS_HOPLIMIT_EXCEEDED
};

constexpr bool ascending(const entry& a, const entry& b) noexcept
{
    return a.status < b.status;
}

static_assert(std::is_sorted(std::begin(entries), std::end(entries), ascending),
              "the table is searched by halves");

} // namespace

std::optional<std::int32_t> code_of_status(std::uint32_t status) noexcept
{
    const auto* const found =
        std::lower_bound(std::begin(entries), std::end(entries), entry{status, 0}, ascending);
    if (found != std::end(entries) && found->status == status)
        return found->code;
    // The two upper bits are the severity: 0 success, 1 information ([MS-ERREF] 2.3).
    if (status >> 31 == 0)
        return 0;
    return std::nullopt;
}

error error_of_status(std::uint32_t status, phase in) noexcept
{
    const std::optional<std::int32_t> code = code_of_status(status);
    if (!code)
        return error{errc::unknown, in, static_cast<std::int32_t>(status)};
    if (*code == 0)
        return error{};
    return error{os::windows::meaning_of_code(*code, in), in, *code};
}

} // namespace slk::io::iocp
