// SPDX-License-Identifier: MPL-2.0
#include "io/backend/iocp/status.hpp"
#include "io/os/windows/codes.hpp"

#include <doctest/doctest.h>

#include <initializer_list>

using namespace slk;
using io::iocp::code_of_status;
using io::iocp::error_of_status;
using io::iocp::status_network_name_deleted;
using io::os::windows::meaning_of_code;
using io::os::windows::meaning_of_name_code;

namespace {

// From [MS-ERREF] and winerror.h.
constexpr std::uint32_t status_cancelled = 0xC0000120;
constexpr std::uint32_t status_handles_closed = 0x8000000A;
constexpr std::uint32_t status_io_timeout = 0xC00000B5;
constexpr std::uint32_t status_port_unreachable = 0xC000023F;

} // namespace

TEST_CASE("W10: every code of Windows for an operation that was ended means cancelled")
{
    CHECK(error_of_status(status_cancelled, phase::transfer) == errc::cancelled);
    CHECK(error_of_status(status_handles_closed, phase::transfer) == errc::cancelled);
    CHECK(meaning_of_code(995, phase::transfer) == errc::cancelled);
    // The fourth code also means a reset by the peer: it is a cancellation only if the poller has
    // closed the socket, which the table does not know.
    CHECK(meaning_of_code(64, phase::transfer) == errc::connection_reset);
}

TEST_CASE("W11: a deleted net name is a reset of a stream and an aborted accept")
{
    CHECK(error_of_status(status_network_name_deleted, phase::transfer) == errc::connection_reset);
    CHECK(error_of_status(status_network_name_deleted, phase::accept) == errc::connection_aborted);
    CHECK(meaning_of_code(64, phase::transfer) == errc::connection_reset);
    CHECK(meaning_of_code(64, phase::accept) == errc::connection_aborted);
    CHECK(meaning_of_code(10054, phase::accept) == errc::connection_aborted);
}

TEST_CASE("W11: each code of a connect that times out in the system means timed_out")
{
    CHECK(meaning_of_code(121, phase::connect) == errc::timed_out); // ERROR_SEM_TIMEOUT
    CHECK(meaning_of_code(10060, phase::connect) == errc::timed_out); // WSAETIMEDOUT
    CHECK(error_of_status(status_io_timeout, phase::connect) == errc::timed_out);
}

TEST_CASE("W11: an unreachable port is a refusal")
{
    CHECK(meaning_of_code(1234, phase::connect) == errc::connection_refused);
    CHECK(error_of_status(status_port_unreachable, phase::connect) == errc::connection_refused);
}

TEST_CASE("W12: every status that a socket can end with has a meaning")
{
    struct row {
        std::uint32_t status;
        errc meaning;
    };
    constexpr row rows[] = {
        {0xC0000008, errc::invalid_state}, // invalid handle
        {0xC0000024, errc::invalid_state}, // object type mismatch
        {0xC000009A, errc::out_of_memory}, // insufficient resources
        {0xC0000007, errc::out_of_memory}, // page file quota
        {0xC000012D, errc::out_of_memory}, // commitment limit
        {0xC00000A1, errc::out_of_memory}, // working set quota
        {0xC0000017, errc::out_of_memory}, // no memory
        {0xC0000044, errc::out_of_memory}, // quota exceeded
        {0xC0000097, errc::out_of_memory}, // too many paging files
        {0xC000013D, errc::out_of_memory}, // remote resources
        {0xC0000209, errc::address_in_use}, // too many addresses
        {0xC0000043, errc::address_in_use}, // sharing violation
        {0xC000020A, errc::address_in_use}, // address already exists
        {0xC000013F, errc::timed_out}, // link timeout
        {0xC00000B5, errc::timed_out}, // I/O timeout
        {0x00000102, errc::timed_out}, // timeout
        {0xC0000237, errc::end_of_stream}, // graceful disconnect
        {0xC000013C, errc::connection_reset}, // remote disconnect
        {0xC000020D, errc::connection_reset}, // connection reset
        {0xC000013E, errc::connection_reset}, // link failed
        {0xC000020C, errc::connection_reset}, // connection disconnected
        {0xC000020B, errc::connection_reset}, // address closed
        {0xC00000D6, errc::connection_reset}, // virtual circuit closed
        {0xC00000C9, errc::connection_reset}, // network name deleted
        {0xC000A012, errc::host_unreachable}, // hop limit exceeded
        {0xC000013B, errc::connection_reset}, // local disconnect, of a stream
        {0xC000020F, errc::connection_reset}, // transaction aborted
        {0xC0000241, errc::connection_reset}, // connection aborted
        {0xC0000240, errc::connection_reset}, // request aborted
        {0xC00000BE, errc::network_unreachable}, // bad network path
        {0xC000023C, errc::network_unreachable}, // network unreachable
        {0xC000023E, errc::network_unreachable}, // protocol unreachable
        {0xC000023D, errc::host_unreachable}, // host unreachable
        {0xC0000350, errc::host_unreachable}, // host down
        {0xC0000120, errc::cancelled}, // cancelled
        {0x8000000A, errc::cancelled}, // handles closed
        {0x80000005, errc::message_too_large}, // buffer overflow
        {0xC0000206, errc::message_too_large}, // invalid buffer size
        {0xC0000023, errc::invalid_argument}, // buffer too small
        {0xC0000005, errc::invalid_argument}, // access violation
        {0xC00000E8, errc::invalid_argument}, // invalid user buffer
        {0xC000000D, errc::invalid_argument}, // invalid parameter
        {0xC00000A3, errc::would_block}, // device not ready
        {0xC00000D0, errc::would_block}, // request not accepted
        {0xC00000C3, errc::network_down}, // invalid network response
        {0xC00000BF, errc::network_down}, // network busy
        {0xC00000C4, errc::network_down}, // unexpected network error
        {0xC000000E, errc::network_down}, // no such device
        {0xC000000F, errc::network_down}, // no such file
        {0xC000003A, errc::network_down}, // object path not found
        {0xC0000034, errc::network_down}, // object name not found
        {0xC0000140, errc::not_connected}, // invalid connection
        {0xC000023A, errc::not_connected}, // connection invalid
        {0xC00000BC, errc::connection_refused}, // remote not listening
        {0xC0000236, errc::connection_refused}, // connection refused
        {0xC000023F, errc::connection_refused}, // port unreachable
        {0xC00000B0, errc::broken_pipe}, // pipe disconnected
        {0xC0000018, errc::address_not_available}, // conflicting addresses
        {0xC0000141, errc::address_not_available}, // invalid address
        {0xC0000207, errc::address_not_available}, // invalid address component
        {0xC00000BB, errc::not_supported}, // not supported
        {0xC0000002, errc::not_supported}, // not implemented
        {0xC0000022, errc::permission_denied}, // access denied
        {0xC00000CA, errc::permission_denied}, // network access denied
        {0xC000011F, errc::too_many_descriptors}, // too many opened files
        {0xC000023B, errc::invalid_state}, // connection active
    };
    for (const row& expected : rows) {
        CAPTURE(expected.status);
        const error seen = error_of_status(expected.status, phase::transfer);
        CHECK(seen.code == expected.meaning);
        CHECK(seen.phase == phase::transfer);
        CHECK(seen.native != 0);
    }
}

TEST_CASE("W12: a success is no error, and an unknown status keeps its number")
{
    CHECK_FALSE(error_of_status(0, phase::connect));
    CHECK_FALSE(error_of_status(0x40000000, phase::connect)); // only information
    CHECK(code_of_status(0) == 0);
    CHECK_FALSE(code_of_status(0xC0DE1234).has_value());
    const error unknown = error_of_status(0xC0DE1234, phase::connect);
    CHECK(unknown.code == errc::unknown);
    CHECK(static_cast<std::uint32_t>(unknown.native) == 0xC0DE1234);
}

TEST_CASE("W13: an aborted connection means a reset, as on other systems")
{
    CHECK(meaning_of_code(10053, phase::transfer) == errc::connection_reset);
    CHECK(meaning_of_code(10053, phase::accept) == errc::connection_aborted);
    CHECK(meaning_of_code(10053, phase::connect) == errc::connection_aborted);
}

TEST_CASE("W20: every code of a connect that means no free port is no_local_port")
{
    for (const std::int32_t code : {10048, 10049, 10055})
        CHECK(meaning_of_code(code, phase::connect) == errc::no_local_port);
    CHECK(meaning_of_code(10048, phase::bind) == errc::address_in_use);
    CHECK(meaning_of_code(10049, phase::bind) == errc::address_not_available);
    CHECK(meaning_of_code(10055, phase::transfer) == errc::out_of_memory);
    CHECK(error_of_status(0xC000020A, phase::connect) == errc::no_local_port);
}

TEST_CASE("C9: a number that no table of Windows knows is unknown, never a success")
{
    for (std::int32_t code = -10; code < 13000; ++code)
        if (code != 0) {
            CAPTURE(code);
            CHECK(meaning_of_code(code, phase::transfer) != errc::ok);
        }
    CHECK(meaning_of_code(12999, phase::transfer) == errc::unknown);
}

TEST_CASE("a name that does not exist is told apart from a name service that fails")
{
    CHECK(meaning_of_name_code(11001) == errc::name_not_found);
    CHECK(meaning_of_name_code(11004) == errc::name_not_found);
    CHECK(meaning_of_name_code(11002) == errc::name_lookup_failed);
    CHECK(meaning_of_name_code(11003) == errc::name_lookup_failed);
    CHECK(meaning_of_name_code(12345) == errc::name_lookup_failed);
    CHECK(meaning_of_name_code(8) == errc::out_of_memory);
}
