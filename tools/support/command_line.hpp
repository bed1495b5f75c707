// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOLS_SUPPORT_COMMAND_LINE_HPP
#define SLK_TOOLS_SUPPORT_COMMAND_LINE_HPP

/// Commands and their options, for all programs of tools/, bench/ and tests/. The parser itself is
/// CLI11, whose header costs seconds of compile time: only command_line.cpp includes it.

#include "tools/support/command_page.hpp"

#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace slk::tool {

inline constexpr int exit_ok = 0;
inline constexpr int exit_failed = 1; ///< stopped by a policy, or a failure
inline constexpr int exit_usage = 2;
/// Another program has closed our output: 128 and the number of SIGPIPE.
inline constexpr int exit_broken_pipe = 141;

/// A wrong command line. Thrown by functions that read an option, and by actions.
class usage_error : public std::runtime_error {
public:
    explicit usage_error(const std::string& message);
    /// The message is "OPTION: MESSAGE".
    usage_error(const std::string& option, const std::string& message);
};

/// A command line, or a command of one with options of its own. Variables that an option is read
/// into, and what its function refers to, outlive the call of run().
class command {
public:
    /// A program: its name, and the first lines of its help.
    command(const std::string& name, const std::string& about);
    command(const command&) = delete;
    command& operator=(const command&) = delete;
    ~command();

    /// A command of this one, which owns it. A command line names exactly one of them.
    command& add_command(const std::string& name, const std::string& about);
    /// A paragraph of the help behind the options.
    void footer(const std::string& text);
    /// A command line to copy, at the end of the help.
    void example(const std::string& line);
    /// What the help says about an exit code.
    void exit_code(int code, const std::string& meaning);
    /// --version prints `text`.
    void version(const std::string& text);
    /// The table of this command and its commands, as far as they were added.
    [[nodiscard]] command_page page() const;
    /// What the command does once the whole command line has been read. Returns the exit code.
    void action(std::function<int()> run);

    void flag(const option& about, bool& into);
    void flag(const option& about, std::function<void()> given);
    void text(const option& about, std::string& into);
    void text(const option& about, std::function<void(const std::string&)> given);
    /// An option that needs no value: "--http" is `without`, "--http=VALUE" is VALUE. The help
    /// shows both.
    void optional_text(const option& about, const std::string& without,
                       std::function<void(const std::string&)> given);
    /// An option that may be repeated. `given` is called once, with all of its values.
    void texts(const option& about, std::function<void(const std::vector<std::string>&)> given);
    /// A positional argument that takes all words that are left, also those after "--". Also makes
    /// a word such as "/x" no option on Windows.
    void words(const option& about, std::vector<std::string>& into);

    /// int, unsigned, unsigned long, unsigned long long or double. Without a maximum, the minimum
    /// is 1 or the type's own.
    template <class Number>
        requires std::is_arithmetic_v<Number>
    void number(const option& about, Number& into,
                std::type_identity_t<Number> min = any_min<Number>,
                std::type_identity_t<Number> max = any_max<Number>)
    {
        add_number<Number>(about, [&into](Number value) { into = value; }, min, max);
    }
    template <class Number>
    void number(const option& about, std::optional<Number>& into,
                std::type_identity_t<Number> min = any_min<Number>,
                std::type_identity_t<Number> max = any_max<Number>)
    {
        add_number<Number>(about, [&into](Number value) { into = value; }, min, max);
    }
    template <class Number>
    void number(const option& about, std::type_identity_t<std::function<void(Number)>> given,
                std::type_identity_t<Number> min = any_min<Number>,
                std::type_identity_t<Number> max = any_max<Number>)
    {
        add_number<Number>(about, std::move(given), min, max);
    }

    /// Reads the command line and runs the action of the command that it names. A wrong one is
    /// explained on stderr. Returns the exit code.
    int run(int count, char** arguments);

private:
    struct state;

    template <class Number>
    static constexpr Number any_min = std::numeric_limits<Number>::lowest();
    template <class Number>
    static constexpr Number any_max = std::numeric_limits<Number>::max();

    explicit command(std::unique_ptr<state> made);
    template <class Number>
    void add_number(const option& about, std::function<void(Number)> given, Number min, Number max);

    std::unique_ptr<state> state_;
};

} // namespace slk::tool

#endif
