// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_FUZZ_DRIVE_HPP
#define SLK_FUZZ_DRIVE_HPP

/// Passes a stream to a session in pieces, as an owner would, and records its arrivals.

#include "zmtp/session.hpp"

#include <optional>
#include <string>
#include <vector>

namespace slk::fuzz {

struct conversation {
    std::string events; ///< one line for each arrival; they do not depend on the cuts
    std::vector<std::byte> sent;
    zmtp::session_state state = zmtp::session_state::idle; ///< when the stream was at its end
    error failure{};
    std::size_t max_kept = 0; ///< bytes that had to be passed again
    const char* broken = nullptr; ///< a broken promise of the session
};

struct owner {
    int status = 200; ///< for a client's credentials; a refusal if it is not 200
    std::optional<zmtp::rejection> rejects{}; ///< the peer, if the session asks about it
    bool silently = false; ///< without an ERROR
    bool bodies_elsewhere = false; ///< the rest of a large body does not come in the run
};

/// `cuts`: the ends of the pieces, ascending; the stream's own end need not be among them.
[[nodiscard]] conversation drive(const zmtp::session_options& options, zmtp::byte_view stream,
                                 const std::vector<std::size_t>& cuts, const owner& by = {});

/// Returns positions that cut a stream into single bytes.
[[nodiscard]] std::vector<std::size_t> every_byte(std::size_t size);

} // namespace slk::fuzz

#endif
