//===- Options.h - command lines as tables ---------------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// A subcommand is a list of options, each with the words that explain it. Parsing, --help and docs/cli.md all come from
// that list. Nothing is global: two command lines can be parsed in one process.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TOOLS_SINTER_OPTIONS_H
#define SINTER_TOOLS_SINTER_OPTIONS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sinter::tools {

/// A command line that is wrong: exit code 2, while every other error is exit code 1.
class UsageError : public llvm::ErrorInfo<UsageError> {
public:
  static char ID;
  explicit UsageError(const llvm::Twine &text) : text(text.str()) {}
  void log(llvm::raw_ostream &os) const override { os << text; }
  std::error_code convertToErrorCode() const override { return std::make_error_code(std::errc::invalid_argument); }

private:
  std::string text;
};

class Command {
public:
  /// Takes an option's value, or says what is wrong with it ("is no number").
  using Setter = std::function<llvm::Error(llvm::StringRef value)>;

  Command(std::string name, std::string summary) : name(std::move(name)), summary(std::move(summary)) {}

  /// An argument without a dash. All are needed; the order is that of the calls.
  void positional(llvm::StringRef metavar, llvm::StringRef help, std::string &value);
  /// `--name=VALUE`, `--name VALUE`, or with one letter `-o VALUE`. Given twice, the last one counts unless the setter
  /// collects.
  void option(llvm::StringRef name, llvm::StringRef metavar, llvm::StringRef help, Setter set);
  void option(llvm::StringRef name, llvm::StringRef metavar, llvm::StringRef help, std::string &value);
  void option(llvm::StringRef name, llvm::StringRef metavar, llvm::StringRef help, std::vector<std::string> &values);
  /// A whole number of at least `min`.
  void option(llvm::StringRef name, llvm::StringRef metavar, llvm::StringRef help, std::optional<int64_t> &value,
              int64_t min);
  void option(llvm::StringRef name, llvm::StringRef metavar, llvm::StringRef help, int64_t &value, int64_t min);
  /// A number of at least 0 and at most `max`.
  void option(llvm::StringRef name, llvm::StringRef metavar, llvm::StringRef help, double &value, double max);
  /// A comma-separated list of whole numbers of at least `min`.
  void option(llvm::StringRef name, llvm::StringRef metavar, llvm::StringRef help, std::vector<int64_t> &values,
              int64_t min);
  /// One of a few words; the table is also the metavar.
  template <typename Enum>
  void choice(llvm::StringRef name, llvm::StringRef help, Enum &value,
              std::initializer_list<std::pair<llvm::StringLiteral, Enum>> table) {
    std::vector<std::pair<llvm::StringLiteral, Enum>> words(table);
    std::string metavar;
    for (auto &[word, meaning] : words)
      metavar += (metavar.empty() ? "" : "|") + word.str();
    option(name, metavar, help, [&value, words, metavar](llvm::StringRef text) -> llvm::Error {
      for (auto &[word, meaning] : words)
        if (word == text) {
          value = meaning;
          return llvm::Error::success();
        }
      return llvm::createStringError("is none of " + metavar);
    });
  }
  /// `--name` alone, or with one letter `-v`.
  void flag(llvm::StringRef name, llvm::StringRef help, bool &value);
  /// A command line for --help, with what it does.
  void example(llvm::StringRef line, llvm::StringRef meaning) { examples.emplace_back(line.str(), meaning.str()); }

  llvm::StringRef getName() const { return name; }
  llvm::StringRef getSummary() const { return summary; }

  /// Reads the arguments after the subcommand. True: go on; false: --help was asked for and printed to `os`. Every
  /// error is a UsageError.
  llvm::Expected<bool> parse(llvm::ArrayRef<llvm::StringRef> arguments, llvm::raw_ostream &os) const;
  void printHelp(llvm::raw_ostream &os) const;

private:
  struct Option {
    std::string name, metavar, help;
    Setter set;
    std::string dashed() const { return (name.size() == 1 ? "-" : "--") + name; }
    bool isFlag() const { return metavar.empty(); }
  };
  struct Positional {
    std::string metavar, help;
    std::string *value;
  };
  llvm::Error unknown(llvm::StringRef argument) const;

  std::string name, summary;
  std::vector<Option> options;
  std::vector<Positional> positionals;
  std::vector<std::pair<std::string, std::string>> examples;
};

/// The nearest of `words` to `word` where one is near enough to be meant, else an empty string.
llvm::StringRef nearest(llvm::StringRef word, llvm::ArrayRef<llvm::StringRef> words);

} // namespace sinter::tools

#endif // SINTER_TOOLS_SINTER_OPTIONS_H
