// SPDX-License-Identifier: MPL-2.0
#include "options.hpp"

#include <serverlink/loop.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace slk::tool {

namespace {

using namespace std::chrono_literals;

struct unit {
    std::string_view name;
    duration length;
};

constexpr std::array units{unit{"us", 1us}, unit{"ms", 1ms}, unit{"s", 1s}, unit{"m", 1min},
                           unit{"h", 1h}};

/// A hundred years: what is longer would not fit into a duration some steps later.
constexpr duration longest = 24h * 365 * 100;

constexpr auto* reconnecting = "Reconnecting: delay n is floor + random(0 to base * 2^n)";

[[noreturn]] void refuse(const std::string& option, std::string_view text, const std::string& why)
{
    throw CLI::ValidationError(option, "'" + std::string(text) + "' " + why);
}

void set_policy(retry_policy& policy, const std::string& text)
{
    const std::size_t middle = text.find('=');
    if (middle == std::string::npos)
        refuse("--policy", text, "is not CLASS=RULE, for example refused=stop");
    const std::string class_name = text.substr(0, middle);
    const std::string rule_name = text.substr(middle + 1);

    retry_rule rule{};
    if (rule_name == "retry")
        rule = retry_rule::retry;
    else if (rule_name == "slowly")
        rule = retry_rule::retry_slowly;
    else if (rule_name == "stop")
        rule = retry_rule::stop;
    else
        refuse("--policy", rule_name, "is no rule: retry, slowly or stop");

    std::string known;
    for (std::size_t i = 0; i < failure_class_count; ++i) {
        const auto which = static_cast<failure_class>(i);
        if (name_of(which) == class_name) {
            policy.set(which, rule);
            return;
        }
        known += (i == 0 ? "" : ", ") + std::string(name_of(which));
    }
    refuse("--policy", class_name, "is no class of failures: " + known);
}

void set_usefulness(usefulness& into, const std::string& text)
{
    if (text == "first-receive")
        into = usefulness::first_receive;
    else if (text == "connected")
        into = usefulness::connected;
    else if (text == "confirmed")
        refuse("--useful-when", text,
               "is for programs that confirm it: here, use first-receive or connected");
    else
        refuse("--useful-when", text, "is not first-receive or connected");
}

/// "reconnect.stable_after" is --stable-after here, "tuning.keep_alive.idle" --keep-alive-idle.
[[nodiscard]] std::string in_words_of_the_command_line(const std::string& text)
{
    std::string shown;
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t end = std::min(text.find(' ', i), text.size());
        std::string word = text.substr(i, end - i);
        for (const std::string_view group : {"reconnect.", "tuning."}) {
            if (!word.starts_with(group))
                continue;
            word = "--" + word.substr(group.size());
            std::ranges::replace_if(
                word, [](char letter) { return letter == '_' || letter == '.'; }, '-');
            if (word == "--type-of-service")
                word = "--tos";
        }
        if (i == 0 && word == "peer_timeout")
            word = "--peer_timeout";
        if (i == 0 && word == "routing_id")
            word = "--id";
        shown += (i == 0 ? "" : " ") + word;
        i = end + 1;
    }
    return shown;
}

keep_alive_options& keep_alive_of(tuning_options& tuning)
{
    if (!tuning.keep_alive)
        tuning.keep_alive.emplace();
    return *tuning.keep_alive;
}

} // namespace

duration parse_duration(const std::string& option, std::string_view text)
{
    static constexpr auto* expected =
        "is not a duration such as 100ms, 5s or 1m (units: us, ms, s, m, h)";
    const std::size_t end = text.find_first_not_of("0123456789.");
    const std::string digits(text.substr(0, end));
    const std::string_view name = end == std::string_view::npos ? "" : text.substr(end);

    char* stopped = nullptr;
    const double number = std::strtod(digits.c_str(), &stopped);
    if (digits.empty() || *stopped != '\0')
        refuse(option, text, expected);
    if (name.empty()) {
        if (number != 0)
            refuse(option, text, "has no unit: us, ms, s, m or h");
        return duration::zero();
    }
    for (const unit& known : units) {
        if (known.name != name)
            continue;
        const double value = number * static_cast<double>(known.length.count());
        if (value > static_cast<double>(longest.count()))
            refuse(option, text, "is longer than 100 years");
        return duration(std::llround(value));
    }
    refuse(option, text, expected);
}

CLI::Option* add_duration(CLI::App& command, const std::string& name, duration& into,
                          const std::string& help, const std::string& shown)
{
    return command
        .add_option_function<std::string>(
            name, [name, &into](const std::string& text) { into = parse_duration(name, text); },
            help)
        ->type_name("DURATION")
        ->default_str(shown);
}

CLI::Option* add_duration(CLI::App& command, const std::string& name, std::optional<duration>& into,
                          const std::string& help, const std::string& shown)
{
    return command
        .add_option_function<std::string>(
            name, [name, &into](const std::string& text) { into = parse_duration(name, text); },
            help)
        ->type_name("DURATION")
        ->default_str(shown);
}

void add_delay_options(CLI::App& command, reconnect_options& into)
{
    const auto add = [&command](const std::string& name, duration& value, const std::string& help,
                                const std::string& shown) {
        add_duration(command, name, value, help, shown)->group(reconnecting);
    };
    add("--base", into.base, "Where the delay's growth starts; 0: retry at once", "100ms");
    add("--floor", into.floor, "Added to every delay", "100ms");
    add("--cap", into.cap, "Limit of the random part", "5s");
    add("--connect-timeout", into.connect_timeout, "Deadline of one attempt; 0: the system's",
        "5s");
    add("--stable-after", into.stable_after,
        "A connection that was useful, and is this old, begins the backoff anew", "1s");
    command
        .add_option_function<std::string>(
            "--useful-when",
            [&into](const std::string& text) { set_usefulness(into.useful_when, text); },
            "What proves a connection good: first-receive or connected")
        ->type_name("WHEN")
        ->default_str("first-receive")
        ->group(reconnecting);
    command
        .add_flag("--spread", into.spread_first_attempt,
                  "Delay the first attempt as well, by random(0 to base)")
        ->group(reconnecting);
}

void add_reconnect_options(CLI::App& command, reconnect_options& into)
{
    add_delay_options(command, into);
    add_duration(command, "--address-stagger", into.address_stagger,
                 "Time until a name's next address joins the race (100ms to 2s)", "250ms")
        ->group(reconnecting);
    command
        .add_flag_callback(
            "--never", [&into] { into.base = reconnect_never; }, "No retry: the first failure ends")
        ->excludes("--base")
        ->group(reconnecting);
    command
        .add_flag_callback(
            "--stop-on-refused",
            [&into] { into.policy.set(failure_class::refused, retry_rule::stop); },
            "Same as --policy refused=stop")
        ->group(reconnecting);
    command
        .add_option_function<std::vector<std::string>>(
            "--policy",
            [&into](const std::vector<std::string>& texts) {
                for (const std::string& text : texts)
                    set_policy(into.policy, text);
            },
            "Rule for a class of failures: retry, slowly or stop; may be repeated")
        ->type_name("CLASS=RULE")
        ->expected(1)
        ->take_all()
        ->group(reconnecting);
}

void add_tuning_options(CLI::App& command, tuning_options& into, bool with_device)
{
    static constexpr auto* group = "Socket";
    command
        .add_flag_callback(
            "--no-delay", [&into] { into.no_delay = true; },
            "Send small messages at once (TCP_NODELAY); this is the default")
        ->group(group);
    command
        .add_flag_callback(
            "--delay", [&into] { into.no_delay = false; },
            "Let the system gather small messages (Nagle)")
        ->excludes("--no-delay")
        ->group(group);
    command
        .add_flag_callback(
            "--keep-alive", [&into] { keep_alive_of(into).enabled = true; },
            "Probe idle connections [system's default]")
        ->group(group);
    command
        .add_flag_callback(
            "--no-keep-alive", [&into] { keep_alive_of(into).enabled = false; },
            "Never probe idle connections")
        ->excludes("--keep-alive")
        ->group(group);
    const auto add_keep_alive_time = [&](const std::string& name,
                                         duration keep_alive_options::* member,
                                         const std::string& help, const std::string& shown) {
        command
            .add_option_function<std::string>(
                name,
                [name, member, &into](const std::string& text) {
                    keep_alive_of(into).*member = parse_duration(name, text);
                },
                help)
            ->type_name("DURATION")
            ->default_str(shown)
            ->excludes("--no-keep-alive")
            ->group(group);
    };
    add_keep_alive_time("--keep-alive-idle", &keep_alive_options::idle,
                        "Probe after this long without data (1s to 32767s)", "30s");
    add_keep_alive_time("--keep-alive-interval", &keep_alive_options::interval,
                        "Time between probes (1s to 32767s)", "10s");
    command
        .add_option_function<int>(
            "--keep-alive-count", [&into](int count) { keep_alive_of(into).count = count; },
            "Unanswered probes that end the connection (1 to 127)")
        ->type_name("N")
        ->default_str("3")
        ->excludes("--no-keep-alive")
        ->group(group);
    const auto add_number = [&](const std::string& name, std::optional<int>& target,
                                const std::string& help, const std::string& type) {
        command.add_option_function<int>(
                   name, [&target](int value) { target = value; }, help)
            ->type_name(type)
            ->group(group);
    };
    add_number("--send-buffer", into.send_buffer, "Send buffer [system's default]", "BYTES");
    add_number("--receive-buffer", into.receive_buffer, "Receive buffer [system's default]",
               "BYTES");
    add_number("--tos", into.type_of_service, "DSCP and ECN byte (0 to 255)", "BYTE");
    add_duration(command, "--user-timeout", into.user_timeout,
                 "End when sent data stays unacknowledged this long [system's default]")
        ->group(group);
    if (with_device)
        command.add_option("--device", into.device, "Network interface to use (Linux)")
            ->type_name("NAME")
            ->group(group);
}

void add_backend_option(CLI::App& command, std::string& into)
{
    command
        .add_option_function<std::string>(
            "--backend",
            [&into](const std::string& name) {
                std::string known;
                for (const std::string_view compiled : loop::compiled_backends()) {
                    known += (known.empty() ? "" : ", ") + std::string(compiled);
                    if (compiled == name)
                        into = name;
                }
                if (into != name || name.empty())
                    refuse("--backend", name, "is no backend of this build: " + known);
            },
            "One of `slk version` [the best]")
        ->type_name("NAME");
}

endpoint parse_endpoint(const std::string& text)
{
    auto parsed = endpoint::parse(text);
    if (!parsed) {
        const char* why = parsed.error().detail;
        throw CLI::ValidationError("ENDPOINT", "'" + text + "' is no endpoint: " +
                                                   (why != nullptr ? why : "invalid_argument"));
    }
    return *std::move(parsed);
}

address parse_source(const std::string& option, const std::string& text)
{
    if (const auto alone = address::parse(text, 0))
        return *alone;
    // With a port it is written as in an endpoint.
    const auto whole = endpoint::parse("tcp://" + text + ";127.0.0.1:1");
    const auto read = whole ? address::parse(whole->source, whole->source_port)
                            : result<address>(unexpected(whole.error()));
    if (!read)
        refuse(option, text, "is not a numeric ADDRESS or ADDRESS:PORT");
    return *read;
}

void require_valid(const result<void>& checked)
{
    if (!checked)
        throw CLI::ValidationError(checked.error().detail != nullptr
                                       ? in_words_of_the_command_line(checked.error().detail)
                                       : to_string(checked.error()));
}

} // namespace slk::tool
