// SPDX-License-Identifier: MPL-2.0
#include "io/ledger.hpp"

#include "base/try_allocate.hpp"
#include "io/operation.hpp"

#include <cstdio>

namespace slk::io {

namespace {

std::atomic<std::uint64_t> total_submitted{0};
std::atomic<std::uint64_t> total_delivered{0};
std::atomic<std::uint64_t> total_violations{0};

} // namespace

void ledger::submitted(operation& entry)
{
    entry.serial = ++submitted_;
#if !defined(NDEBUG)
    total_submitted.fetch_add(1, std::memory_order_relaxed);
    // Two allocations, and so two steps; the first one only to grow. A new table has one bucket,
    // and no room.
    const bool has_room = open_.size() + 1 < open_.bucket_count();
    if ((!has_room && !try_allocate([&] { open_.reserve(open_.size() + 1); })) ||
        !try_allocate([&] { open_.insert(entry.serial); }))
        incomplete_ = true;
#endif
}

void ledger::delivered([[maybe_unused]] const operation& entry)
{
    ++delivered_;
#if !defined(NDEBUG)
    total_delivered.fetch_add(1, std::memory_order_relaxed);
    if (open_.erase(entry.serial) == 0 && !incomplete_)
        report_violation(entry, "delivered twice, or never submitted");
#endif
}

void ledger::report_violation(const operation& entry, const char* what) noexcept
{
    total_violations.fetch_add(1, std::memory_order_relaxed);
    std::fprintf(stderr, "serverlink: operation %llu: %s\n",
                 static_cast<unsigned long long>(entry.serial), what);
}

ledger::totals ledger::process_totals() noexcept
{
    return {total_submitted.load(), total_delivered.load(), total_violations.load()};
}

} // namespace slk::io
