// What a C++ program is made of: containers and streams of the standard library, templates, exceptions, virtual functions.
#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

struct Unknown : std::runtime_error {
    using std::runtime_error::runtime_error;
};

template <typename Key, typename Value> class Table {
public:
    void add(const Key &key, Value value) { values[key].push_back(std::move(value)); }
    const std::vector<Value> &of(const Key &key) const {
        const auto found = values.find(key);
        if (found == values.end())
            throw Unknown("no such key");
        return found->second;
    }
    template <typename Action> void each(Action action) const {
        for (const auto &[key, list] : values)
            for (const auto &value : list)
                action(key, value);
    }

private:
    std::map<Key, std::vector<Value>> values;
};

struct Shape {
    virtual ~Shape() = default;
    virtual double area() const = 0;
};
struct Square : Shape {
    explicit Square(double side) : side(side) {}
    double area() const override { return side * side; }
    double side;
};
template <int sides> struct Regular : Shape {
    double area() const override { return sides * 0.25; }
};

} // namespace

int main() {
    Table<std::string, int> table;
    std::istringstream words("a quick brown fox and a quick dog");
    int at = 0;
    for (std::string word; words >> word;)
        table.add(word, at++);
    std::ostringstream said;
    table.each([&](const std::string &word, int place) { said << word << ' ' << place << '\n'; });

    std::vector<std::unique_ptr<Shape>> shapes;
    shapes.push_back(std::make_unique<Square>(4));
    shapes.push_back(std::make_unique<Regular<8>>());
    std::sort(shapes.begin(), shapes.end(), [](const auto &a, const auto &b) { return a->area() < b->area(); });
    try {
        table.of("cat");
    } catch (const Unknown &error) {
        std::cout << said.str() << error.what() << '\n';
        return static_cast<int>(shapes.front()->area() + shapes.back()->area() + 12 * table.of("a").size());
    }
    return 1;
}
