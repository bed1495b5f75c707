// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_FUZZ_DRIVE_HPP
#define SLK_FUZZ_DRIVE_HPP

/// Shows a stream to a session in pieces, as an owner would, and writes down what it tells.

#include "zmtp/session.hpp"

#include <string>
#include <vector>

namespace slk::fuzz {

struct conversation {
    std::string told; ///< one line for each arrival, the same however the stream is cut
    std::vector<std::byte> sent;
    zmtp::session_state state = zmtp::session_state::idle; ///< when the stream was at its end
    error failure{};
    std::size_t max_kept = 0; ///< bytes that had to be shown again
    const char* broken = nullptr; ///< a promise of the session that did not hold
};

struct owner {
    int answer = 200; ///< to a client's credentials; other than 200: the status of the refusal
    bool bodies_elsewhere = false; ///< the rest of a large body does not come in the run
};

/// `cuts`: where pieces end, ascending; the stream's own end need not be among them.
[[nodiscard]] conversation drive(const zmtp::session_options& options, zmtp::byte_view stream,
                                 const std::vector<std::size_t>& cuts, const owner& by = {});

/// Positions that cut a stream into single bytes.
[[nodiscard]] std::vector<std::size_t> every_byte(std::size_t size);

} // namespace slk::fuzz

#endif
