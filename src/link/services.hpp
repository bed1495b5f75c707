// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LINK_SERVICES_HPP
#define SLK_LINK_SERVICES_HPP

/// The state that all links of one loop share: the resolver, and the pools of attempts, racers and
/// streams.

#include "base/block_pool.hpp"
#include "base/try_allocate.hpp"
#include "io/loop_core.hpp"
#include "link/connect_attempt.hpp"
#include "link/free_pool.hpp"
#include "link/resolver.hpp"
#include "link/stream_core.hpp"

#include <memory>
#include <new>
#include <utility>

namespace slk::link_detail {

class services final : public io::service {
public:
    /// Makes them on first use; null when memory is exhausted. On the loop's thread.
    [[nodiscard]] static services* make(io::loop_core& loop) noexcept
    {
        if (loop.services == nullptr) {
            std::unique_ptr<services> made(new (std::nothrow) services(loop));
            if (made == nullptr || made->streams == nullptr || !made->names.open())
                return nullptr;
            loop.services = std::move(made);
        }
        return &of(loop);
    }
    /// Those that make() has made.
    [[nodiscard]] static services& of(io::loop_core& loop) noexcept
    {
        return static_cast<services&>(*loop.services);
    }

    explicit services(io::loop_core& loop) noexcept : names(loop) {}
    void closing() noexcept override { names.close(); }

    resolver names;
    free_pool<connect_attempt> attempts;
    free_pool<racer> racers;
    static constexpr std::size_t max_streams_kept = 1024;
    std::shared_ptr<block_pool> streams =
        try_make_shared<block_pool>(sizeof(stream_core), max_streams_kept);
};

} // namespace slk::link_detail

#endif
