// SPDX-License-Identifier: MPL-2.0

// The main function of every test program, and the listener that counts its test cases.

// A sanitizer prints a better report of a crash than doctest's signal handler, which would come
// first. Without one, the handler names the test case that crashed.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define DOCTEST_CONFIG_NO_POSIX_SIGNALS
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define DOCTEST_CONFIG_NO_POSIX_SIGNALS
#endif

#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "support/skip.hpp"

#include <cstdio>
#include <string>

namespace {

struct running_case {
    const char* name = "";
    bool skipped = false;
    std::string reason;
};

running_case current;

/// A case that takes as long is named with its time, for the tables at the end of ./dev test.
constexpr double slow_seconds = 0.5;

/// Ends the output of a test program with one line for ./dev:
/// "slk-tests: 12 passed, 0 failed, 1 skipped". A program that crashes prints no such line.
class counter final : public doctest::IReporter {
public:
    explicit counter(const doctest::ContextOptions& /*options*/) {}

    void test_case_start(const doctest::TestCaseData& data) override
    {
        current = {};
        current.name = data.m_name;
    }

    void test_case_end(const doctest::CurrentTestCaseStats& stats) override
    {
        if (stats.seconds >= slow_seconds)
            std::printf("slow: %.2f s: %s\n", stats.seconds, current.name);
        if (!stats.testCaseSuccess) {
            ++failed_;
            std::printf("failed: %s\n", current.name);
            std::fflush(stdout);
        } else if (current.skipped) {
            report_skip(current.name, current.reason.c_str());
        } else {
            ++passed_;
        }
    }

    /// Also called for the cases that the command line's filters leave out.
    void test_case_skipped(const doctest::TestCaseData& data) override
    {
        if (data.m_skip)
            report_skip(data.m_name, "its source marks it so");
    }

    void test_run_end(const doctest::TestRunStats& /*stats*/) override
    {
        std::printf("slk-tests: %d passed, %d failed, %d skipped\n", passed_, failed_, skipped_);
        std::fflush(stdout);
    }

    void report_query(const doctest::QueryData& /*data*/) override {}
    void test_run_start() override {}
    void test_case_reenter(const doctest::TestCaseData& /*data*/) override {}
    void test_case_exception(const doctest::TestCaseException& /*data*/) override {}
    void subcase_start(const doctest::SubcaseSignature& /*data*/) override {}
    void subcase_end() override {}
    void log_assert(const doctest::AssertData& /*data*/) override {}
    void log_message(const doctest::MessageData& /*data*/) override {}

private:
    void report_skip(const char* name, const char* reason)
    {
        ++skipped_;
        std::printf("skipped: %s: %s\n", name, reason);
        std::fflush(stdout);
    }

    int passed_ = 0;
    int failed_ = 0;
    int skipped_ = 0;
};

// A listener runs beside the chosen reporter; a low priority number puts it behind the others.
DOCTEST_REGISTER_LISTENER("serverlink-counter", 100, counter);

} // namespace

void slk::testing::skip(const std::string& reason)
{
    current.skipped = true;
    current.reason = reason;
}
