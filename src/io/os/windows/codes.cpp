// SPDX-License-Identifier: MPL-2.0
#include "io/os/windows/codes.hpp"

#include <algorithm>
#include <iterator>

namespace slk::io::os::windows {

namespace {

struct meaning {
    std::int32_t code;
    errc meaning;
};

constexpr meaning meanings[] = {
    {0, errc::ok},
    // Win32: what RtlNtStatusToDosError, file calls and completion ports report.
    {4, errc::too_many_descriptors},     // ERROR_TOO_MANY_OPEN_FILES
    {5, errc::permission_denied},        // ERROR_ACCESS_DENIED
    {6, errc::invalid_state},            // ERROR_INVALID_HANDLE, WSA_INVALID_HANDLE
    {8, errc::out_of_memory},            // ERROR_NOT_ENOUGH_MEMORY, WSA_NOT_ENOUGH_MEMORY
    {14, errc::out_of_memory},           // ERROR_OUTOFMEMORY
    {38, errc::end_of_stream},           // ERROR_HANDLE_EOF
    {50, errc::not_supported},           // ERROR_NOT_SUPPORTED
    {55, errc::network_down},            // ERROR_DEV_NOT_EXIST
    {59, errc::network_down},            // ERROR_UNEXP_NET_ERR
    {64, errc::connection_reset},        // ERROR_NETNAME_DELETED
    {65, errc::permission_denied},       // ERROR_NETWORK_ACCESS_DENIED
    {87, errc::invalid_argument},        // ERROR_INVALID_PARAMETER, WSA_INVALID_PARAMETER
    {109, errc::broken_pipe},            // ERROR_BROKEN_PIPE
    {120, errc::not_supported},          // ERROR_CALL_NOT_IMPLEMENTED
    {121, errc::timed_out},              // ERROR_SEM_TIMEOUT
    {127, errc::not_supported},          // ERROR_PROC_NOT_FOUND
    {234, errc::message_too_large},      // ERROR_MORE_DATA
    {258, errc::timed_out},              // WAIT_TIMEOUT
    {735, errc::loop_closed},            // ERROR_ABANDONED_WAIT_0
    {995, errc::cancelled},              // ERROR_OPERATION_ABORTED, WSA_OPERATION_ABORTED
    {996, errc::in_progress},            // ERROR_IO_INCOMPLETE, WSA_IO_INCOMPLETE
    {997, errc::in_progress},            // ERROR_IO_PENDING, WSA_IO_PENDING
    {1168, errc::invalid_state},         // ERROR_NOT_FOUND
    {1214, errc::invalid_argument},      // ERROR_INVALID_NETNAME
    {1223, errc::cancelled},             // ERROR_CANCELLED
    {1225, errc::connection_refused},    // ERROR_CONNECTION_REFUSED
    {1226, errc::end_of_stream},         // ERROR_GRACEFUL_DISCONNECT
    {1227, errc::address_in_use},        // ERROR_ADDRESS_ALREADY_ASSOCIATED
    {1228, errc::address_not_available}, // ERROR_ADDRESS_NOT_ASSOCIATED
    {1229, errc::not_connected},         // ERROR_CONNECTION_INVALID
    {1230, errc::invalid_state},         // ERROR_CONNECTION_ACTIVE
    {1231, errc::network_unreachable},   // ERROR_NETWORK_UNREACHABLE
    {1232, errc::host_unreachable},      // ERROR_HOST_UNREACHABLE
    {1233, errc::network_unreachable},   // ERROR_PROTOCOL_UNREACHABLE
    {1234, errc::connection_refused},    // ERROR_PORT_UNREACHABLE
    {1235, errc::connection_aborted},    // ERROR_REQUEST_ABORTED
    {1236, errc::connection_aborted},    // ERROR_CONNECTION_ABORTED
    {1450, errc::out_of_memory},         // ERROR_NO_SYSTEM_RESOURCES
    {1453, errc::out_of_memory},         // ERROR_WORKING_SET_QUOTA
    {1454, errc::out_of_memory},         // ERROR_PAGEFILE_QUOTA
    {1455, errc::out_of_memory},         // ERROR_COMMITMENT_LIMIT
    {1460, errc::timed_out},             // ERROR_TIMEOUT
    {1816, errc::out_of_memory},         // ERROR_NOT_ENOUGH_QUOTA
    // Windows Sockets.
    {10004, errc::interrupted},                  // WSAEINTR
    {10009, errc::invalid_state},                // WSAEBADF
    {10013, errc::permission_denied},            // WSAEACCES
    {10014, errc::invalid_argument},             // WSAEFAULT
    {10022, errc::invalid_argument},             // WSAEINVAL
    {10024, errc::too_many_descriptors},         // WSAEMFILE
    {10035, errc::would_block},                  // WSAEWOULDBLOCK
    {10036, errc::in_progress},                  // WSAEINPROGRESS
    {10037, errc::in_progress},                  // WSAEALREADY
    {10038, errc::invalid_state},                // WSAENOTSOCK
    {10039, errc::invalid_argument},             // WSAEDESTADDRREQ
    {10040, errc::message_too_large},            // WSAEMSGSIZE
    {10041, errc::not_supported},                // WSAEPROTOTYPE
    {10042, errc::not_supported},                // WSAENOPROTOOPT
    {10043, errc::not_supported},                // WSAEPROTONOSUPPORT
    {10044, errc::not_supported},                // WSAESOCKTNOSUPPORT
    {10045, errc::not_supported},                // WSAEOPNOTSUPP
    {10046, errc::address_family_not_supported}, // WSAEPFNOSUPPORT
    {10047, errc::address_family_not_supported}, // WSAEAFNOSUPPORT
    {10048, errc::address_in_use},               // WSAEADDRINUSE
    {10049, errc::address_not_available},        // WSAEADDRNOTAVAIL
    {10050, errc::network_down},                 // WSAENETDOWN
    {10051, errc::network_unreachable},          // WSAENETUNREACH
    {10052, errc::connection_reset},             // WSAENETRESET
    {10053, errc::connection_aborted},           // WSAECONNABORTED
    {10054, errc::connection_reset},             // WSAECONNRESET
    {10055, errc::out_of_memory},                // WSAENOBUFS
    {10056, errc::invalid_state},                // WSAEISCONN
    {10057, errc::not_connected},                // WSAENOTCONN
    {10058, errc::broken_pipe},                  // WSAESHUTDOWN
    {10060, errc::timed_out},                    // WSAETIMEDOUT
    {10061, errc::connection_refused},           // WSAECONNREFUSED
    {10064, errc::host_unreachable},             // WSAEHOSTDOWN
    {10065, errc::host_unreachable},             // WSAEHOSTUNREACH
    {10067, errc::too_many_descriptors},         // WSAEPROCLIM
    {10091, errc::network_down},                 // WSASYSNOTREADY
    {10092, errc::not_supported},                // WSAVERNOTSUPPORTED
    {10093, errc::invalid_state},                // WSANOTINITIALISED
    {10101, errc::end_of_stream},                // WSAEDISCON
    {10103, errc::cancelled},                    // WSAECANCELLED
    {10106, errc::not_supported},                // WSAEPROVIDERFAILEDINIT
    {10107, errc::out_of_memory},                // WSASYSCALLFAILURE: out of system resources
    {10111, errc::cancelled},                    // WSA_E_CANCELLED
    {10112, errc::permission_denied},            // WSAEREFUSED: refused by policy, not by a peer
};

constexpr bool ascending(const meaning& a, const meaning& b) noexcept
{
    return a.code < b.code;
}

static_assert(std::is_sorted(std::begin(meanings), std::end(meanings), ascending),
              "the table is searched by halves");

errc plain_meaning(std::int32_t code) noexcept
{
    const auto* const found = std::lower_bound(std::begin(meanings), std::end(meanings),
                                               meaning{code, errc::ok}, ascending);
    return found != std::end(meanings) && found->code == code ? found->meaning : errc::unknown;
}

constexpr std::int32_t net_name_deleted = 64;
constexpr std::int32_t address_in_use = 10048;
constexpr std::int32_t address_not_available = 10049;
constexpr std::int32_t connection_aborted = 10053;
constexpr std::int32_t win32_connection_aborted = 1236;
constexpr std::int32_t connection_reset = 10054;
constexpr std::int32_t no_buffers = 10055;

} // namespace

errc meaning_of_code(std::int32_t code, phase in) noexcept
{
    // The socket of a connect is bound to a port that the system chose and to no particular
    // address: all three codes mean that there is no such port left. The documentation of the
    // dynamic port range names WSAENOBUFS.
    if (in == phase::connect &&
        (code == address_in_use || code == address_not_available || code == no_buffers))
        return errc::no_local_port;
    // A peer that leaves before its connection was accepted ends that connection only.
    if (in == phase::accept && (code == net_name_deleted || code == connection_reset))
        return errc::connection_aborted;
    // On an established connection Windows reports "aborted" where others report "reset": the peer
    // no longer acknowledges, or has answered with a reset.
    if (in == phase::transfer && (code == connection_aborted || code == win32_connection_aborted))
        return errc::connection_reset;
    return plain_meaning(code);
}

errc meaning_of_name_code(std::int32_t code) noexcept
{
    switch (code) {
    case 11001: // WSAHOST_NOT_FOUND, EAI_NONAME
    case 11004: // WSANO_DATA: the name exists, but has no address
    case 10109: // WSATYPE_NOT_FOUND, EAI_SERVICE
        return errc::name_not_found;
    case 11002: // WSATRY_AGAIN, EAI_AGAIN
    case 11003: // WSANO_RECOVERY, EAI_FAIL
        return errc::name_lookup_failed;
    default: {
        const errc plain = plain_meaning(code);
        return plain == errc::unknown ? errc::name_lookup_failed : plain;
    }
    }
}

} // namespace slk::io::os::windows
