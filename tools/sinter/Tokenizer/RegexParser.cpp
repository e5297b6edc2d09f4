//===- RegexParser.cpp - a regular expression as it is written ----------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "tools/sinter/Tokenizer/Regex.h"
#include "tools/sinter/Tokenizer/RegexTree.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

#include <optional>

using namespace llvm;
using namespace sinter;
using namespace sinter::regex;
using namespace sinter::unicode;

namespace {
class Parser {
public:
  explicit Parser(StringRef pattern) : text(CodePoints(pattern).points) {}

  Expected<Tree> parse() {
    std::optional<Tree> tree = alternatives(false, 0);
    if (tree && at == text.size())
      return std::move(*tree);
    return createStringError(error ? error : "unbalanced ')'");
  }

private:
  std::nullopt_t fail(const char *what) {
    if (!error)
      error = what;
    return std::nullopt;
  }
  bool more() const { return at < text.size(); }
  uint32_t peek() const { return more() ? text[at] : 0; }
  bool take(StringRef word) {
    if (text.size() - at < word.size())
      return false;
    for (size_t i = 0; i < word.size(); ++i)
      if (text[at + i] != uint8_t(word[i]))
        return false;
    at += word.size();
    return true;
  }

  static void addFolded(CharSet &set, uint32_t low, uint32_t high) {
    set.ranges.emplace_back(low, high);
    for (uint32_t c = std::max<uint32_t>(low, 'A'); c <= std::min<uint32_t>(high, 'z'); ++c) {
      if (!isAlpha(char(c)))
        continue;
      set.ranges.emplace_back(c ^ 0x20, c ^ 0x20);
      if ((c | 0x20) == 's')
        set.ranges.emplace_back(0x17f, 0x17f); // long s
      if ((c | 0x20) == 'k')
        set.ranges.emplace_back(0x212a, 0x212a); // Kelvin sign
    }
  }
  bool add(CharSet &set, uint32_t low, uint32_t high, bool fold) {
    if (fold && high >= 128 && isIn(high, kLetter)) {
      fail("case-insensitive letters outside ASCII");
      return false;
    }
    if (fold)
      addFolded(set, low, high);
    else
      set.ranges.emplace_back(low, high);
    return true;
  }

  std::optional<uint32_t> hex(unsigned least, unsigned most) {
    uint32_t value = 0;
    unsigned digits = 0;
    while (digits < most && more() && peek() < 128 && isHexDigit(char(peek()))) {
      value = value * 16 + hexDigitValue(char(text[at++]));
      ++digits;
    }
    if (digits < least || value > 0x10ffff)
      return fail("a bad hexadecimal escape");
    return value;
  }

  std::optional<CategoryMask> property() {
    std::string name;
    if (!take("{"))
      name = std::string(1, char(more() ? text[at++] : 0));
    else
      while (more() && !take("}"))
        append(name, text[at++]);
    static constexpr StringLiteral names[] = {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl",
                                              "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc",
                                              "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn"};
    for (auto [i, known] : enumerate(names))
      if (name == known)
        return bit(Category(i));
    CategoryMask mask = StringSwitch<CategoryMask>(name)
                            .Cases({"L", "Letter"}, kLetter)
                            .Cases({"M", "Mark"}, kMark)
                            .Cases({"N", "Number"}, kNumber)
                            .Cases({"P", "Punctuation"}, kPunctuation)
                            .Cases({"S", "Symbol"}, kSymbol)
                            .Cases({"Z", "Separator"}, kSeparator)
                            .Cases({"C", "Other"}, kOther)
                            .Default(0);
    if (!mask)
      return fail("an unknown Unicode property");
    return mask;
  }

  /// What follows a backslash. Adds a class to `set`, or gives a literal.
  bool escape(CharSet &set, std::optional<uint32_t> &literal) {
    if (!more()) {
      fail("a backslash at the end");
      return false;
    }
    uint32_t c = text[at++];
    switch (c) {
    case 's':
      set.space = true;
      return true;
    case 'S':
      set.notSpace = true;
      return true;
    case 'd':
      set.categories |= bit(Nd);
      return true;
    case 'n':
      literal = '\n';
      return true;
    case 'r':
      literal = '\r';
      return true;
    case 't':
      literal = '\t';
      return true;
    case 'f':
      literal = '\f';
      return true;
    case 'v':
      literal = '\v';
      return true;
    case '0':
      literal = 0;
      return true;
    case 'u':
      literal = hex(4, 4);
      return literal.has_value();
    case 'x':
      if (!take("{"))
        literal = hex(1, 2);
      else if ((literal = hex(1, 6)) && !take("}"))
        literal = fail("a bad hexadecimal escape");
      return literal.has_value();
    case 'D':
    case 'P':
    case 'p': {
      bool negative = c != 'p';
      std::optional<CategoryMask> mask = bit(Nd);
      if (c != 'D') {
        if (at + 1 < text.size() && text[at] == '{' && text[at + 1] == '^') {
          negative = !negative;
          text[++at] = '{';
        }
        mask = property();
      }
      if (!mask)
        return false;
      if (negative && set.notCategories) {
        fail("two negated properties in one class");
        return false;
      }
      (negative ? set.notCategories : set.categories) |= *mask;
      return true;
    }
    default:
      if (c < 128 && isAlnum(char(c))) {
        fail("an unknown escape");
        return false;
      }
      literal = c;
      return true;
    }
  }

  std::optional<CharSet> bracket(bool fold) {
    CharSet set;
    set.negate = take("^");
    bool first = true;
    while (!take("]") || first) {
      if (!more())
        return fail("a class without an end");
      if (peek() == '[' || take("&&"))
        return fail("a class inside a class");
      std::optional<uint32_t> low;
      if (first && at > 0 && text[at - 1] == ']')
        low = ']';
      else if (take("\\")) {
        if (!escape(set, low))
          return std::nullopt;
      } else
        low = text[at++];
      first = false;
      if (!low)
        continue;
      uint32_t high = *low;
      if (peek() == '-' && at + 1 < text.size() && text[at + 1] != ']') {
        ++at;
        std::optional<uint32_t> end;
        if (take("\\")) {
          if (!escape(set, end))
            return std::nullopt;
        } else
          end = text[at++];
        if (!end || *end < *low)
          return fail("a bad range");
        high = *end;
      }
      if (!add(set, *low, high, fold))
        return std::nullopt;
    }
    set.finish();
    return set;
  }

  std::optional<Tree> group(bool fold, unsigned depth) {
    Tree tree;
    if (take("?=") || take("?!")) {
      tree.kind = Tree::Look;
      tree.negative = text[at - 1] == '!';
    } else if (take("?<=") || take("?<!")) {
      tree.kind = Tree::Look;
      tree.behind = true;
      tree.negative = text[at - 1] == '!';
    } else if (take("?>")) {
      tree.kind = Tree::Atomic;
    } else if (take("?i:")) {
      fold = true;
    } else if (!take("?:") && peek() == '?') {
      return fail("an unknown kind of group");
    }
    std::optional<Tree> inner = alternatives(fold, depth + 1);
    if (!inner)
      return std::nullopt;
    if (!take(")"))
      return fail("a group without an end");
    if (tree.kind == Tree::Empty)
      return inner;
    if (tree.behind && inner->kind != Tree::Set)
      return fail("look-behind of more than one character");
    tree.parts.push_back(std::move(*inner));
    return tree;
  }

  std::optional<Tree> atom(bool fold, unsigned depth) {
    Tree tree;
    auto anchor = [&](Anchor where) {
      tree.kind = Tree::Anchored;
      tree.anchor = where;
      return tree;
    };
    if (take("("))
      return group(fold, depth);
    if (take("^"))
      return anchor(Anchor::LineBegin);
    if (take("$"))
      return anchor(Anchor::LineEnd);
    if (take("\\A"))
      return anchor(Anchor::TextBegin);
    if (take("\\z"))
      return anchor(Anchor::TextEnd);
    tree.kind = Tree::Set;
    if (take("[")) {
      std::optional<CharSet> set = bracket(fold);
      if (!set)
        return std::nullopt;
      tree.set = std::move(*set);
      return tree;
    }
    std::optional<uint32_t> literal;
    if (take(".")) {
      tree.set.negate = true;
      literal = '\n';
    } else if (take("\\")) {
      if (!escape(tree.set, literal))
        return std::nullopt;
    } else if (peek() == '*' || peek() == '+' || peek() == '?') {
      return fail("nothing to repeat");
    } else {
      literal = text[at++];
    }
    if (literal && !add(tree.set, *literal, *literal, fold))
      return std::nullopt;
    tree.set.finish();
    return tree;
  }

  std::optional<uint32_t> number() {
    uint32_t value = 0;
    size_t begin = at;
    while (more() && peek() >= '0' && peek() <= '9' && value < 100000)
      value = value * 10 + (text[at++] - '0');
    if (at == begin)
      return std::nullopt;
    return value;
  }

  std::optional<Tree> repeated(Tree inner) {
    Tree tree;
    tree.kind = Tree::Repeat;
    bool braces = false;
    size_t begin = at;
    if (take("*")) {
      tree.min = 0, tree.max = kUnbounded;
    } else if (take("+")) {
      tree.min = 1, tree.max = kUnbounded;
    } else if (take("?")) {
      tree.min = 0, tree.max = 1;
    } else if (take("{")) {
      std::optional<uint32_t> low = number();
      bool comma = take(",");
      std::optional<uint32_t> high = comma ? number() : low;
      if ((!low && !high) || !take("}")) {
        at = begin;
        return inner; // a brace that counts nothing is a character
      }
      tree.min = low.value_or(0), tree.max = high.value_or(kUnbounded);
      if (tree.max < tree.min)
        return fail("a bad count");
      braces = true;
    } else {
      return inner;
    }
    if (take("?"))
      tree.mode = Mode::Lazy;
    else if (!braces && take("+"))
      tree.mode = Mode::Possessive;
    tree.parts.push_back(std::move(inner));
    return repeated(std::move(tree));
  }

  std::optional<Tree> alternatives(bool fold, unsigned depth) {
    if (depth > 50)
      return fail("groups nested too deeply");
    Tree all;
    all.kind = Tree::Alternatives;
    do {
      Tree sequence;
      sequence.kind = Tree::Sequence;
      while (more() && peek() != '|' && peek() != ')') {
        size_t begin = at;
        std::optional<Tree> part = atom(fold, depth);
        if (part)
          part = repeated(std::move(*part));
        if (!part)
          return std::nullopt;
        if (at == begin)
          return fail("an unexpected brace");
        sequence.parts.push_back(std::move(*part));
      }
      all.parts.push_back(sequence.parts.size() == 1 ? Tree(sequence.parts[0]) : std::move(sequence));
    } while (take("|"));
    return all.parts.size() == 1 ? Tree(all.parts[0]) : std::move(all);
  }

  std::vector<uint32_t> text;
  size_t at = 0;
  const char *error = nullptr;
};
} // namespace

Expected<Tree> regex::parse(StringRef pattern) { return Parser(pattern).parse(); }
