// SPDX-License-Identifier: MPL-2.0
#include "herd/chart.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <string_view>

namespace slk::tool::herd {

namespace {

constexpr int width = 960;
constexpr int left = 96;   ///< of the plots
constexpr int right = 936;
constexpr int head = 74;   ///< above the first panel, for the title and the legend
constexpr int plot_height = 120;
constexpr int panel_height = plot_height + 36; ///< with the title above it
constexpr int foot = 52;
constexpr int width_of_note = 140; ///< beside the mark of the last client

// Decades shown: from one attempt per second to a million.
constexpr int lowest = 0;
constexpr int highest = 6;

constexpr std::string_view capacity_colour = "#c0392b";
constexpr std::array<std::string_view, 6> colours = {"#1a6fb0", "#7a5195", "#b8680b",
                                                     "#2e7d4f", "#555555", "#a33c6b"};

class drawing {
public:
    explicit drawing(const chart& drawn)
        : chart_(drawn), seconds_(std::chrono::duration<double>(drawn.returned).count() +
                                  std::chrono::duration<double>(shown_after_return).count())
    {
    }

    std::string draw();

private:
    void add(const char* format, ...)
#if defined(__GNUC__)
        __attribute__((format(printf, 2, 3)))
#endif
        ;
    void draw_legend();
    void draw_panel(const panel& each, int top, std::string_view colour);
    void draw_rates(const panel& each, int top, std::string_view colour);
    void draw_time_axis(int top);

    [[nodiscard]] double x_of(double second) const
    {
        return left + (right - left) * second / seconds_;
    }
    [[nodiscard]] static double y_of(double rate, int top)
    {
        const double decades =
            std::clamp(std::log10(std::max(rate, 1.0)), static_cast<double>(lowest),
                       static_cast<double>(highest));
        return top + plot_height * (highest - decades) / (highest - lowest);
    }
    [[nodiscard]] int height() const
    {
        return head + panel_height * static_cast<int>(chart_.panels.size()) + foot;
    }

    const chart& chart_;
    double seconds_;
    std::string out_;
};

void drawing::add(const char* format, ...)
{
    std::array<char, 512> line{};
    va_list values;
    va_start(values, format);
    const int length = std::vsnprintf(line.data(), line.size(), format, values);
    va_end(values);
    if (length > 0)
        out_.append(line.data(), std::min(static_cast<std::size_t>(length), line.size() - 1));
}

std::string escaped(std::string_view text)
{
    std::string made;
    for (const char each : text) {
        if (each == '<')
            made += "&lt;";
        else if (each == '&')
            made += "&amp;";
        else
            made += each;
    }
    return made;
}

std::string drawing::draw()
{
    add("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
        "height=\"%d\" font-family=\"sans-serif\" font-size=\"13\" fill=\"#222\">\n",
        width, height(), width, height());
    add("<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", width, height());
    add("<text x=\"%d\" y=\"28\" font-size=\"17\" font-weight=\"bold\">", left);
    out_ += escaped(chart_.title) + "</text>\n";
    draw_legend();
    int top = head + panel_height - plot_height;
    for (std::size_t i = 0; i < chart_.panels.size(); ++i) {
        draw_panel(chart_.panels[i], top, colours[i % colours.size()]);
        top += panel_height;
    }
    draw_time_axis(top - panel_height + plot_height);
    out_ += "</svg>\n";
    return out_;
}

void drawing::draw_legend()
{
    const int y = 52;
    add("<rect x=\"%d\" y=\"%d\" width=\"22\" height=\"12\" fill=\"#eceff1\" stroke=\"#b0bec5\"/>"
        "<text x=\"%d\" y=\"%d\">no server: connects are refused</text>\n",
        left, y - 10, left + 30, y);
    add("<path d=\"M%d %dh22\" stroke=\"%s\" stroke-width=\"2\" stroke-dasharray=\"6 3\"/>"
        "<text x=\"%d\" y=\"%d\">capacity: %.0f accepts per second</text>\n",
        left + 265, y - 4, capacity_colour.data(), left + 295, y, chart_.capacity);
    add("<path d=\"M%d %dv14\" stroke=\"#222\" stroke-width=\"2\"/>"
        "<text x=\"%d\" y=\"%d\">the last client is back</text>\n",
        left + 570, y - 11, left + 580, y);
}

void drawing::draw_panel(const panel& each, int top, std::string_view colour)
{
    const int bottom = top + plot_height;
    add("<g>\n<text x=\"%d\" y=\"%d\" font-weight=\"bold\" fill=\"%s\">", left, top - 8,
        colour.data());
    out_ += escaped(each.title) + "</text>\n";
    const double back = std::chrono::duration<double>(chart_.returned).count();
    add("<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"#eceff1\"/>\n", x_of(0), top,
        x_of(back) - x_of(0), plot_height);
    for (int decade = lowest; decade <= highest; decade += 2) {
        static constexpr std::array labels = {"1",      "10",      "100",      "1,000",
                                              "10,000", "100,000", "1,000,000"};
        const double y = y_of(std::pow(10.0, decade), top);
        add("<path d=\"M%d %.1fH%d\" stroke=\"#cfd8dc\"/><text x=\"%d\" y=\"%.1f\" "
            "text-anchor=\"end\" font-size=\"11\">%s</text>\n",
            left, y, right, left - 6, y + 4, labels[static_cast<std::size_t>(decade)]);
    }
    draw_rates(each, top, colour);
    add("<path d=\"M%d %.1fH%d\" stroke=\"%s\" stroke-width=\"2\" stroke-dasharray=\"6 3\"/>\n",
        left, y_of(chart_.capacity, top), right, capacity_colour.data());
    if (each.all_back) {
        const double x = x_of(back + *each.all_back);
        if (x <= right)
            add("<path d=\"M%.1f %dv%d\" stroke=\"#222\" stroke-width=\"2\"/>\n", x, top,
                plot_height);
        const bool to_the_left = x > right - width_of_note;
        const double note = to_the_left ? std::min(x - 5, right - 4.0) : x + 5;
        add("<text x=\"%.1f\" y=\"%d\" font-size=\"12\" text-anchor=\"%s\">%.1f s after the "
            "return</text>\n",
            note, top + 14, to_the_left ? "end" : "start", *each.all_back);
    } else {
        add("<text x=\"%d\" y=\"%d\" font-size=\"12\" text-anchor=\"end\">not all came "
            "back</text>\n",
            right - 4, top + 14);
    }
    add("<path d=\"M%d %dV%dH%d\" fill=\"none\" stroke=\"#546e7a\"/>\n</g>\n", left, top, bottom,
        right);
}

/// Bins without attempts stay empty, because the axis is logarithmic.
void drawing::draw_rates(const panel& each, int top, std::string_view colour)
{
    const int bottom = top + plot_height;
    const double bin = std::chrono::duration<double>(bin_width).count();
    out_ += "<path fill=\"" + std::string(colour) + "\" fill-opacity=\"0.75\" d=\"";
    for (std::size_t i = 0; i < each.rates.size();) {
        if (each.rates[i] <= 0) {
            ++i;
            continue;
        }
        const double begin = static_cast<double>(i) * bin;
        add("M%.1f %d", x_of(begin), bottom);
        for (; i < each.rates.size() && each.rates[i] > 0; ++i)
            add("V%.1fH%.1f", y_of(each.rates[i], top), x_of(static_cast<double>(i + 1) * bin));
        add("V%dZ", bottom);
    }
    out_ += "\"/>\n";
}

void drawing::draw_time_axis(int top)
{
    const int step = seconds_ <= 60 ? 5 : seconds_ <= 200 ? 10 : 60;
    for (int second = 0; second <= static_cast<int>(seconds_); second += step)
        add("<path d=\"M%.1f %dv5\" stroke=\"#546e7a\"/><text x=\"%.1f\" y=\"%d\" "
            "text-anchor=\"middle\" font-size=\"11\">%d</text>\n",
            x_of(second), top, x_of(second), top + 18, second);
    add("<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">seconds since the server was lost</text>\n",
        (left + right) / 2, top + 38);
    add("<text x=\"18\" y=\"%d\" text-anchor=\"middle\" transform=\"rotate(-90 18 %d)\">attempts "
        "per second (log scale)</text>\n",
        head + (top - head) / 2, head + (top - head) / 2);
}

} // namespace

std::string to_svg(const chart& drawn)
{
    return drawing(drawn).draw();
}

} // namespace slk::tool::herd
