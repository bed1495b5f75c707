// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_LEDGER_HPP
#define SLK_IO_LEDGER_HPP

/// The ledger checks rule 1 of the poller: every submission is delivered exactly once.
///
/// Debug builds number every submission and keep the outstanding numbers. A second delivery, a
/// delivery of an operation that was not submitted, or a submission of an operation in flight is
/// written to standard error and counted as a violation. Release builds only count.

#include <atomic>
#include <cstdint>
#if !defined(NDEBUG)
#include <unordered_set>
#endif

namespace slk::io {

class operation;

class ledger {
public:
    void submitted(operation& entry);
    void delivered(const operation& entry);

    [[nodiscard]] std::uint64_t outstanding() const noexcept { return submitted_ - delivered_; }
    [[nodiscard]] std::uint64_t submissions() const noexcept { return submitted_; }

    /// The totals of all pollers of this process, for a test's final check: submissions not
    /// delivered, and violations. Only debug builds detect violations.
    struct totals {
        std::uint64_t submitted = 0;
        std::uint64_t delivered = 0;
        std::uint64_t violations = 0;
    };
    [[nodiscard]] static totals process_totals() noexcept;

    static void report_violation(const operation& entry, const char* what) noexcept;

private:
    std::uint64_t submitted_ = 0;
    std::uint64_t delivered_ = 0;
#if !defined(NDEBUG)
    std::unordered_set<std::uint64_t> open_;
    bool incomplete_ = false; ///< a number found no memory: open_ lacks it
#endif
};

} // namespace slk::io

#endif
