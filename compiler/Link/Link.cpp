//===- Link.cpp - objects, program and weights become a file --------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "compiler/Link/Link.h"
#include "compiler/Codegen/Codegen.h"
#include "compiler/Link/Linker.h"
#include "compiler/Link/WeightFile.h"
#include "runtime/src/Program.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/Module.h"
#include "llvm/Object/ELF.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace llvm;
using namespace sinter;

static constexpr StringLiteral kProgramSection = ".sinter.program";
static constexpr StringLiteral kWeightSection = ".sinter.weights";
static constexpr StringLiteral kNoteSection = ".note.sinter";
static constexpr StringLiteral kModelSymbol = "sinter_model_v1";

static Error systemError(const Twine &what) {
  std::error_code code(errno, std::generic_category());
  return createStringError(code, what + ": " + code.message());
}

/// Whether the weights are a section of the output.
static bool hasSection(const LinkInput &input) { return input.weights.bytes && input.sidecar.empty(); }

static Error checkInput(const LinkInput &input) {
  for (StringRef name : input.kernels)
    if (isLibcName(name) || name.starts_with("sinter_"))
      return createStringError("a kernel is named '" + name + "', which the library needs for something else");
  program::Header header;
  if (input.program.size() < sizeof header)
    return createStringError("the program to link is shorter than its header");
  memcpy(&header, input.program.data(), sizeof header);
  if (header.magic != program::kMagic || header.version != program::kVersion || header.bytes != input.program.size())
    return createStringError("the program to link has a broken header");
  if (header.weightBytes != input.weights.bytes)
    return createStringError("the program to link expects " + Twine(header.weightBytes) +
                             " bytes of weights, and there are " + Twine(input.weights.bytes));
  return Error::success();
}

/// The object with the program, the table of kernels and the exported table (program::Model).
static Expected<std::unique_ptr<MemoryBuffer>> buildModelObject(const LinkInput &input) {
  LLVMContext context;
  Module module("model", context);
  auto *ptr = PointerType::get(context, 0);
  auto *i32 = Type::getInt32Ty(context);
  auto define = [&](Constant *value, StringRef name, GlobalValue::LinkageTypes linkage) {
    return new GlobalVariable(module, value->getType(), /*isConstant=*/true, linkage, value, name);
  };
  auto *programBytes =
      define(ConstantDataArray::get(context, input.program), "sinter.program", GlobalValue::InternalLinkage);
  programBytes->setSection(kProgramSection);
  programBytes->setAlignment(Align(64));

  SmallVector<Constant *> kernels;
  auto *voidFunction = FunctionType::get(Type::getVoidTy(context), false);
  for (const std::string &name : input.kernels) {
    auto *kernel = cast<Function>(module.getOrInsertFunction(name, voidFunction).getCallee());
    kernel->setVisibility(GlobalValue::HiddenVisibility);
    kernels.push_back(kernel);
  }
  auto *table = define(ConstantArray::get(ArrayType::get(ptr, kernels.size()), kernels), "sinter.kernels",
                       GlobalValue::InternalLinkage);
  auto *api = new GlobalVariable(module, Type::getInt8Ty(context), /*isConstant=*/true, GlobalValue::ExternalLinkage,
                                 nullptr, "sinter_runtime_api");
  api->setVisibility(GlobalValue::HiddenVisibility);
  define(ConstantStruct::getAnon({ConstantInt::get(i32, program::kMagic), ConstantInt::get(i32, program::kVersion),
                                  programBytes, table, api}),
         kModelSymbol, GlobalValue::ExternalLinkage);
  // A place in the section table, with the name; size and offset are set when the weights are there. The note makes the
  // linker add a program header, which will say where they are.
  if (hasSection(input))
    module.setModuleInlineAsm((".section " + kWeightSection + ",\"\",@progbits\n.p2align " +
                               Twine(Log2_64(kWeightAlignment)) + "\n.quad 0\n.section " + kNoteSection +
                               ",\"a\",@note\n.p2align 2\n.long 7, 4, 1\n.asciz \"Sinter\"\n.p2align 2\n.long " +
                               Twine(program::kVersion) + "\n")
                                  .str());
  Expected<TargetSpec> target = resolveTarget("x86-64-v3");
  if (!target)
    return target.takeError();
  return emitModule(module, *target);
}

namespace {

/// The linked file, open for what the linker could not know.
class Output {
public:
  static Expected<std::unique_ptr<Output>> open(StringRef path) {
    auto output = std::make_unique<Output>();
    output->file = ::open(path.str().c_str(), O_RDWR | O_CLOEXEC);
    if (output->file < 0)
      return systemError("cannot write '" + path + "'");
    off_t size = lseek(output->file, 0, SEEK_END);
    output->bytes = uint64_t(size);
    void *base =
        size <= 0 ? MAP_FAILED : mmap(nullptr, output->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, output->file, 0);
    if (base == MAP_FAILED)
      return systemError("cannot map '" + path + "'");
    output->data = static_cast<char *>(base);
    return output;
  }
  ~Output() {
    if (data)
      munmap(data, bytes);
    if (file >= 0)
      close(file);
  }

  int file = -1;
  uint64_t bytes = 0; ///< as the linker left it
  char *data = nullptr;

  /// The section's header, in the file.
  Expected<object::ELF64LE::Shdr *> section(StringRef name) {
    Expected<object::ELF64LEFile> elf = object::ELF64LEFile::create(StringRef(data, bytes));
    if (!elf)
      return elf.takeError();
    auto sections = elf->sections();
    if (!sections)
      return sections.takeError();
    for (const object::ELF64LE::Shdr &section : *sections) {
      Expected<StringRef> found = elf->getSectionName(section);
      if (!found)
        return found.takeError();
      if (*found == name)
        return const_cast<object::ELF64LE::Shdr *>(&section);
    }
    return createStringError("the linked file has no section " + name);
  }
};

} // namespace

/// Not loaded, in the range of types that loaders skip.
static constexpr uint32_t kWeightSegment = ELF::PT_LOOS + 0x534e54;

/// Points the note's program header at the weights: llvm-strip keeps a section outside of memory only where it lies in
/// a segment.
static Error setSegment(Output &output, uint64_t offset, uint64_t bytes) {
  Expected<object::ELF64LE::Shdr *> note = output.section(kNoteSection);
  if (!note)
    return note.takeError();
  Expected<object::ELF64LEFile> elf = object::ELF64LEFile::create(StringRef(output.data, output.bytes));
  if (!elf)
    return elf.takeError();
  auto segments = elf->program_headers();
  if (!segments)
    return segments.takeError();
  for (const object::ELF64LE::Phdr &found : *segments) {
    if (found.p_type != ELF::PT_NOTE || found.p_offset != (*note)->sh_offset)
      continue;
    auto &segment = const_cast<object::ELF64LE::Phdr &>(found);
    segment.p_type = kWeightSegment;
    segment.p_flags = ELF::PF_R;
    segment.p_offset = offset;
    segment.p_vaddr = 0;
    segment.p_paddr = 0;
    segment.p_filesz = bytes;
    segment.p_memsz = 0;
    segment.p_align = kWeightAlignment;
    return Error::success();
  }
  return createStringError("the linked file has no program header for " + kNoteSection);
}

/// Writes the weights, wherever they go, and their hash into the program.
static Error addWeights(const LinkInput &input, bool relocatable, StringRef path) {
  if (!input.weights.bytes)
    return Error::success();
  Expected<std::unique_ptr<Output>> output = Output::open(path);
  if (!output)
    return output.takeError();
  int file = (*output)->file;
  uint64_t offset = 0;
  if (hasSection(input)) {
    Expected<object::ELF64LE::Shdr *> section = (*output)->section(kWeightSection);
    if (!section)
      return section.takeError();
    offset = alignTo((*output)->bytes, kWeightAlignment);
    (*section)->sh_offset = offset;
    (*section)->sh_size = input.weights.bytes;
    if (!relocatable)
      if (Error error = setSegment(**output, offset, input.weights.bytes))
        return error;
  } else {
    file = ::open(input.sidecar.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0)
      return systemError("cannot write '" + input.sidecar + "'");
  }
  Expected<uint64_t> hash = writeWeights(file, offset, input.weights, input.workers, input.progress);
  if (!hasSection(input) && close(file) != 0 && hash)
    return systemError("cannot write '" + input.sidecar + "'");
  if (!hash)
    return hash.takeError();
  Expected<object::ELF64LE::Shdr *> program = (*output)->section(kProgramSection);
  if (!program)
    return program.takeError();
  memcpy((*output)->data + (*program)->sh_offset + offsetof(program::Header, weightHash), &*hash, sizeof *hash);
  return Error::success();
}

/// Links everything but the weights.
static Expected<std::string> linkCode(const LinkInput &input, bool relocatable) {
  MemoryFiles files;
  std::vector<std::string> arguments;
  auto add = [&](StringRef name, StringRef bytes) -> Error {
    Expected<std::string> file = files.add(name, bytes);
    if (!file)
      return file.takeError();
    arguments.push_back(*file);
    return Error::success();
  };
  Expected<std::unique_ptr<MemoryBuffer>> model = buildModelObject(input);
  if (!model)
    return model.takeError();
  if (Error error = add("the model's table", (*model)->getBuffer()))
    return error;
  for (const MemoryBufferRef &object : input.objects)
    if (Error error = add(object.getBufferIdentifier(), object.getBuffer()))
      return error;
  if (Error error = add("the runtime", input.runtimeObject))
    return error;
  arguments.push_back("--threads=" + utostr(std::max(1u, input.workers)));
  auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), arguments.begin(), arguments.end());
    return more;
  };
  Expected<std::string> libc = addLibcStub(files);
  if (!libc)
    return libc.takeError();
  Expected<std::string> script = files.add("exports", ("{ global: " + kModelSymbol + "; local: *; };\n").str());
  if (!script)
    return script.takeError();
  // A relocatable object may leave anything undefined, so a library is linked in any case, if for nothing but its errors.
  Expected<std::string> library = runLinkerInMemory(with({*libc, "-shared", "-z", "defs", "-z", "now", "-z", "noexecstack", "--gc-sections", "--build-id=none",
                                                          "--version-script=" + *script}),
                                                    files);
  return relocatable && library ? runLinkerInMemory(with({"-r"}), files) : std::move(library);
}

/// Not left to the linker: it maps its output, and a disk that is full would be a signal.
static Error writeFile(StringRef path, StringRef bytes) {
  std::error_code code;
  raw_fd_ostream os(path, code);
  if (!code) {
    os << bytes;
    os.close();
    code = os.error();
    os.clear_error(); // else the stream ends the program
  }
  return code ? createStringError(code, code.message()) : Error::success();
}

static Error linkTo(const LinkInput &input, bool relocatable, StringRef path) {
  if (Error error = checkInput(input))
    return error;
  scope_exit remove([&] {
    sys::fs::remove(path);
    if (!input.sidecar.empty())
      sys::fs::remove(input.sidecar);
  });
  Expected<std::string> code = linkCode(input, relocatable);
  if (!code)
    return code.takeError();
  if (Error error = writeFile(path, *code))
    return error;
  if (Error error = addWeights(input, relocatable, path))
    return error;
  remove.release();
  return Error::success();
}

Error sinter::linkLibrary(const LinkInput &input, StringRef path) { return linkTo(input, false, path); }
Error sinter::linkObject(const LinkInput &input, StringRef path) { return linkTo(input, true, path); }
