// Parses Nextflow scripts and settings by the strict syntax, resolves their names and prints what the
// language library says of them. `nextflow lint` of this release fails itself where a file has errors
// but no warnings, so the library is asked here.
//
//     java -cp LIBRARIES Lint.java FILE...
//
// Exits with 1 where there is an error or a warning. A doubt is about what a later release may not take,
// such as the section `when`, which all modules of nf-core have.

import java.io.File;
import java.util.ArrayList;
import java.util.List;
import nextflow.config.control.ConfigParser;
import nextflow.script.control.Compiler;
import nextflow.script.control.ParanoidWarning;
import nextflow.script.control.ScriptParser;
import org.codehaus.groovy.control.SourceUnit;
import org.codehaus.groovy.control.messages.ExceptionMessage;
import org.codehaus.groovy.control.messages.Message;
import org.codehaus.groovy.control.messages.SyntaxErrorMessage;
import org.codehaus.groovy.control.messages.WarningMessage;

class Lint {
    public static void main(String[] files) {
        ScriptParser scripts = new ScriptParser();
        ConfigParser settings = new ConfigParser();
        for (String name : files) {
            File file = new File(name);
            if (name.endsWith(".config")) {
                settings.parse(file);
            } else {
                scripts.parse(file);
            }
        }
        scripts.analyze();
        settings.analyze();
        List<String> found = new ArrayList<>();
        int read = collect(scripts.compiler(), found) + collect(settings.compiler(), found);
        found.forEach(System.out::println);
        long faults = found.stream().filter(line -> !line.startsWith("doubt")).count();
        System.out.println("lint: " + read + " files, " + faults + " faults");
        System.exit(faults == 0 ? 0 : 1);
    }

    private static int collect(Compiler compiler, List<String> found) {
        for (SourceUnit source : compiler.getSources().values()) {
            var collector = source.getErrorCollector();
            // Either list is null where it is empty.
            if (collector.getErrors() != null) {
                for (Message message : collector.getErrors()) {
                    if (message instanceof SyntaxErrorMessage error) {
                        var cause = error.getCause();
                        found.add("error\t" + source.getName() + ":" + cause.getStartLine() + "\t" + cause.getOriginalMessage());
                    } else if (message instanceof ExceptionMessage other) {
                        found.add("error\t" + source.getName() + "\t" + other.getCause().getMessage());
                    }
                }
            }
            if (collector.getWarnings() != null) {
                for (WarningMessage warning : collector.getWarnings()) {
                    String kind = warning instanceof ParanoidWarning ? "doubt" : "warning";
                    found.add(kind + "\t" + source.getName() + ":" + warning.getContext().getStartLine() + "\t" + warning.getMessage());
                }
            }
        }
        return compiler.getSources().size();
    }
}
