// Validates FHIR R4 resources by the profiles that they claim, without a network: R4 itself comes
// from the validator's library, the HL7 Genomics Reporting guide, the terminology and the extensions
// from their published packages, which lie on the class path.
//
//     java -cp '.varisk/fhir/lib/*:.varisk/fhir/packages' .ci/fhir/Validate.java FILE...
//
// Prints one line for each error and warning, and the number of errors; exits with 1 if there is one.
// What the packages do not hold (LOINC, HGNC, Sequence Ontology) is a warning: a code of these systems
// is not looked up here.

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.ResultSeverityEnum;
import ca.uhn.fhir.validation.SingleValidationMessage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.NpmPackageValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.UnknownCodeSystemWarningValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;

public final class Validate {
    private static final String[] PACKAGES = {
        "hl7.fhir.uv.genomics-reporting.tgz", "hl7.fhir.uv.extensions.r4.tgz", "hl7.terminology.r4.tgz"
    };

    public static void main(String[] arguments) throws Exception {
        FhirValidator validator = validator();
        int errors = 0;
        for (String name : arguments) {
            String text = Files.readString(Path.of(name));
            for (SingleValidationMessage message : validator.validateWithResult(text).getMessages()) {
                if (message.getSeverity() == ResultSeverityEnum.INFORMATION) {
                    continue;
                }
                boolean error = message.getSeverity() != ResultSeverityEnum.WARNING;
                errors += error ? 1 : 0;
                System.out.println((error ? "error" : "warning") + "\t" + Path.of(name).getFileName() + "\t"
                        + message.getLocationString() + "\t" + message.getMessage().replaceAll("\\s+", " "));
            }
        }
        System.out.println("errors\t" + errors + "\tin\t" + arguments.length + "\tfiles");
        System.exit(errors == 0 ? 0 : 1);
    }

    private static FhirValidator validator() throws Exception {
        FhirContext context = FhirContext.forR4();
        NpmPackageValidationSupport packages = new NpmPackageValidationSupport(context);
        for (String name : PACKAGES) {
            packages.loadPackageFromClasspath(name);
        }
        UnknownCodeSystemWarningValidationSupport unknown = new UnknownCodeSystemWarningValidationSupport(context);
        unknown.setNonExistentCodeSystemSeverity(IValidationSupport.IssueSeverity.WARNING);
        List<IValidationSupport> supports = new ArrayList<>();
        supports.add(packages);
        supports.add(new DefaultProfileValidationSupport(context));
        supports.add(new CommonCodeSystemsTerminologyService(context));
        supports.add(new InMemoryTerminologyServerValidationSupport(context));
        supports.add(new SnapshotGeneratingValidationSupport(context));
        supports.add(unknown);
        FhirInstanceValidator instance =
                new FhirInstanceValidator(new ValidationSupportChain(supports.toArray(new IValidationSupport[0])));
        return context.newValidator().registerValidatorModule(instance);
    }
}
