/** Spanish words of the page `notarize`. */
import type { words as en } from "../en/notarize.ts";

export const words: typeof en = {
  title: "Notarizar archivos",
  intro:
    "Firme las huellas de archivos y asiéntelas en el registro. Los archivos no salen de este dispositivo, salvo que los guarde en la bóveda.",
  loading: "Un momento…",
  signIn: "Notarizar es para el personal de la agencia. Comprobar un archivo no requiere cuenta.",
  storage:
    "Este navegador no guarda nada para esta página, así que no puede tener su clave. Salga de la navegación privada o use otro navegador.",
  enrolment: {
    heading: "Haga inscribir su clave",
    text: "Este navegador ha creado una clave de firma para usted. No se puede copiar fuera de este navegador. El notario acepta sus firmas cuando un administrador la haya inscrito.",
    key: "Su clave",
    request: "Para el administrador",
    requestNote: "Envíe este texto, o que el administrador ejecute la orden de abajo.",
    command: "Orden",
    name: "Nombre que llevarán sus declaraciones",
    nameHint:
      "Una dirección de su oficina, como https://deeds.example.gov. Si queda vacío, la clave misma es el nombre.",
    enrol: "Inscribir esta clave",
    again: "Mirar otra vez",
    waiting: "Todavía no está inscrita.",
    failed: "No se pudo inscribir la clave. Quizá ese nombre ya sea de otro.",
    revoked: "La inscripción de esta clave fue retirada. Ya no puede registrar nada.",
    reason: "Motivo",
  },
  files: {
    heading: "Archivos",
    issuer: "Usted firma como",
    record: "Número del documento",
    recordChoices: {
      none: "Ninguno",
      one: "El mismo para todos:",
      name: "El nombre de cada archivo, sin su extensión",
    },
    recordHint: "Figura en el registro a la vista de todos: sin nombres ni otros datos personales.",
    drop: "Suelte aquí archivos o carpetas, cuantos quiera, o",
    choose: "elíjalos en este dispositivo",
    hint: "De cualquier tipo y tamaño. Solo se envían sus huellas.",
    keep: {
      also: "Guardar también los archivos en la bóveda",
      hint: "Entonces también se envían al notario, que los cifra y anota cada uso de ellos.",
      recordClass: "Clase documental",
      dropHint: "De cualquier tipo y tamaño. Los archivos se envían a la bóveda.",
      sending: "En camino a la bóveda",
      kept: "En la bóveda",
      refused: "La bóveda no lo aceptó.",
      courses: {
        "no file": "Aún no está en la bóveda: suelte el archivo otra vez y seguirá donde se quedó.",
        away: "No se puede contactar con la bóveda. Seguirá en cuanto responda.",
        "signed out": "Aún no está en la bóveda: su sesión terminó. Iníciela y suelte el archivo otra vez.",
      },
    },
    troubles: {
      away: "No se puede contactar con el notario. Lo firmado se guarda aquí y se envía en cuanto responda.",
      keys: "Las claves de este notario no son las que este navegador conoce. Alguien podría hacerse pasar por él. Lo firmado se guarda aquí. Si el operador del notario confirma las claves nuevas, olvide las anotadas en la página Verificar, o instale allí un archivo de confianza que las nombre, y abra esta página otra vez.",
    },
    passedOver: (count) =>
      `${count === 1 ? "Se omitió un archivo de prueba" : `Se omitieron ${count} archivos de prueba`}: las pruebas no se notarizan.`,
    progress: (done, all) => `${done} de ${all} registrados`,
    zip: "Descargar todas las pruebas (ZIP)",
    clear: "Vaciar la lista",
    clearNote: "Los asientos quedan en el registro, y sus pruebas se pueden pedir al notario.",
    states: {
      waiting: "En espera",
      reading: "Tomando la huella",
      unreadable: "No se pudo leer el archivo. Suéltelo otra vez.",
      unsigned: "No se pudo firmar. ¿El número es demasiado largo o el dispositivo está lleno?",
      signed: "Firmado, en camino al registro",
      registered: "Registrado",
      known: "Ya estaba en el registro",
      doubtful: "Registrado, pero el recibo no es válido. Avise al operador del notario.",
    },
    refusals: {
      POLICY_ISSUER_UNKNOWN: "Rechazado: su clave no está inscrita.",
      POLICY_ISSUER_REVOKED: "Rechazado: la inscripción de su clave fue retirada.",
      POLICY_CLAIMS: "Rechazado: el reloj de este dispositivo está mal. Ajústelo y suelte el archivo otra vez.",
    },
    refused: "Rechazado",
    entry: (index) => `Asiento ${index}`,
    proof: "Prueba",
    certificate: "Certificado",
    of: (name) => `de ${name}`,
  },
};
