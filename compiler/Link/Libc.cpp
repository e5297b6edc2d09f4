//===- Libc.cpp - what a compiled model may use of libc -------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// A machine that runs programs has libc.so.6 but seldom libc.so, and linking against the one that happens to be there
// would make the result depend on it. So the functions that may be used are listed here, with the version that glibc
// gives them on x86-64, and a library that defines just these stands in.
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/Codegen.h"
#include "compiler/Link/Linker.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"

using namespace llvm;
using namespace sinter;

namespace {
/// Names of one version, separated by spaces.
struct Version {
  StringLiteral version, functions;
};
} // namespace

static constexpr Version kVersions[] = {
    {"GLIBC_2.2.5", "__errno_location abort bcmp calloc close dup exit fclose ferror fflush fgets fileno fopen fprintf "
                    "fputc fputs fread free "
                    "fseek ftell fwrite getenv getpid isatty lseek madvise malloc memchr memcmp memmove memset mkstemp "
                    "mlock mmap mprotect munlock "
                    "munmap open posix_fadvise posix_memalign pread printf pthread_mutex_destroy "
                    "pthread_mutex_init pthread_mutex_lock pthread_mutex_unlock pthread_self pwrite qsort read "
                    "readlink realloc rename sched_yield setvbuf "
                    "sigaction sigemptyset sigfillset sigprocmask snprintf strchr strcmp strcpy strcspn strdup "
                    "strerror strlen strncmp strncpy strrchr strspn "
                    "strstr strtod strtol strtoll strtoul syscall sysconf time unlink usleep vfprintf vsnprintf write"},
    {"GLIBC_2.3", "__tls_get_addr"},
    {"GLIBC_2.3.2",
     "pthread_cond_broadcast pthread_cond_destroy pthread_cond_init pthread_cond_signal pthread_cond_timedwait "
     "pthread_cond_wait"},
    {"GLIBC_2.3.4", "sched_getaffinity"},
    {"GLIBC_2.4", "__stack_chk_fail"},
    {"GLIBC_2.7", "__isoc99_sscanf"},
    {"GLIBC_2.14", "memcpy"},
    {"GLIBC_2.16", "getauxval"},
    {"GLIBC_2.17", "clock_gettime"},
    {"GLIBC_2.25", "getrandom"},
    {"GLIBC_2.32", "pthread_sigmask"},
    {"GLIBC_2.33", "fstat stat"},
    {"GLIBC_2.34", "dladdr dlclose dlerror dlopen dlsym pthread_create pthread_detach pthread_join pthread_key_create "
                   "pthread_getspecific pthread_setspecific pthread_once pthread_setaffinity_np"},
};

bool sinter::isLibcName(StringRef name) {
  for (const Version &version : kVersions)
    for (StringRef each : split(version.functions, ' '))
      if (each == name)
        return true;
  return false;
}

Expected<std::string> sinter::addLibcStub(MemoryFiles &files) {
  LLVMContext context;
  Module module("libc", context);
  auto *type = FunctionType::get(Type::getVoidTy(context), false);
  auto *body = Function::Create(type, GlobalValue::InternalLinkage, "stub", module);
  new UnreachableInst(context, BasicBlock::Create(context, "", body));
  std::string script;
  for (const Version &version : kVersions) {
    script += version.version.str() + " {";
    for (StringRef name : split(version.functions, ' ')) {
      GlobalAlias::create(type, 0, GlobalValue::ExternalLinkage, name, body, &module);
      script += " " + name.str() + ";";
    }
    script += &version == &kVersions[0] ? " local: *; };\n" : " };\n";
  }
  Expected<TargetSpec> target = resolveTarget("x86-64-v3");
  if (!target)
    return target.takeError();
  Expected<std::unique_ptr<MemoryBuffer>> object = emitModule(module, *target);
  if (!object)
    return object.takeError();
  Expected<std::string> objectPath = files.add("libc.o", (*object)->getBuffer());
  Expected<std::string> scriptPath = files.add("libc versions", script);
  if (!objectPath || !scriptPath)
    return joinErrors(objectPath.takeError(), scriptPath.takeError());
  Expected<std::string> library =
      runLinkerInMemory({"-shared", "--soname=libc.so.6", "--version-script=" + *scriptPath, *objectPath}, files);
  if (!library)
    return library.takeError();
  return files.add("libc.so.6", *library);
}
