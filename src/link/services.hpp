// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LINK_SERVICES_HPP
#define SLK_LINK_SERVICES_HPP

/// The state that all links of one loop share: the resolver, and the pools of attempts, racers and
/// streams.

#include "base/block_pool.hpp"
#include "io/loop_core.hpp"
#include "link/connect_attempt.hpp"
#include "link/free_pool.hpp"
#include "link/resolver.hpp"
#include "link/stream_core.hpp"

namespace slk::link_detail {

class services final : public io::service {
public:
    /// Made on first use. On the loop's thread.
    [[nodiscard]] static services& of(io::loop_core& loop)
    {
        if (loop.services == nullptr)
            loop.services = std::make_unique<services>(loop);
        return static_cast<services&>(*loop.services);
    }

    explicit services(io::loop_core& loop) : names(loop) {}
    void closing() noexcept override { names.close(); }

    resolver names;
    free_pool<connect_attempt> attempts;
    free_pool<racer> racers;
    static constexpr std::size_t max_streams_kept = 1024;
    std::shared_ptr<block_pool> streams =
        std::make_shared<block_pool>(sizeof(stream_core), max_streams_kept);
};

} // namespace slk::link_detail

#endif
